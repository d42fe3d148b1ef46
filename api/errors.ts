/* Every error that a user can meet, once. Server and CLI both read this table: `status` is the HTTP
 * status (RFC 9457 problem+json), `exit` the exit code of the CLI: 1 failed, 2 usage, 3 not found,
 * 4 not permitted, 5 the job failed. Words follow the original where it had them. */
export const CODES = {
  BAD_REQUEST: { status: 400, exit: 1, title: 'The request is not valid' },
  USAGE: { status: 400, exit: 2, title: 'The command was used wrongly' },
  INVALID_BUNDLE: { status: 400, exit: 1, title: 'The bundle breaks a rule' },
  INVALID_GRID: { status: 400, exit: 1, title: 'The hyperparameters are not a grid' },
  INVALID_EXPERIMENT: { status: 400, exit: 1, title: 'The experiment file breaks a rule' },
  INVALID_MANIFEST: { status: 400, exit: 1, title: 'The manifest breaks a rule' },
  INVALID_KIT: { status: 400, exit: 1, title: 'The ModelKit breaks a rule' },
  INVALID_NAME: { status: 400, exit: 1, title: 'The name is not allowed' },
  PAGE_ERROR: { status: 400, exit: 1, title: 'There is no such page' },
  JSON_TOO_DEEP: { status: 400, exit: 1, title: 'The JSON is nested too deeply' },
  DIGEST_MISMATCH: { status: 400, exit: 1, title: 'The bytes are not what their digest says' },
  DIGEST_INVALID: { status: 400, exit: 1, title: 'The digest is not of a known form' },
  MANIFEST_INVALID: { status: 400, exit: 1, title: 'The OCI manifest breaks a rule' },
  CPU_REQUEST_ERROR: { status: 422, exit: 1, title: 'More CPU than any worker has' },
  MEMORY_REQUEST_ERROR: { status: 422, exit: 1, title: 'More memory than any worker has' },
  GPU_REQUEST_ERROR: { status: 422, exit: 1, title: 'More GPUs than any worker has' },
  LABEL_REQUEST_ERROR: { status: 422, exit: 1, title: 'No worker carries the label' },
  WORKER_NOT_FOUND: { status: 404, exit: 3, title: 'No such worker' },
  REQUEST_TIMEOUT: { status: 408, exit: 1, title: 'The request came too slowly' },
  AUTHORIZATION_FAILURE: { status: 401, exit: 4, title: 'Unauthorized token' },
  NOT_PERMITTED: { status: 403, exit: 4, title: 'Not permitted' },
  QUOTA_EXCEEDED: { status: 403, exit: 1, title: 'The workspace has no room left' },
  NOT_FOUND: { status: 404, exit: 3, title: 'Not found' },
  WORKSPACE_NOT_FOUND: { status: 404, exit: 3, title: 'No such workspace' },
  JOB_NOT_FOUND: { status: 404, exit: 3, title: 'No such job' },
  MODEL_NOT_FOUND: { status: 404, exit: 3, title: 'No such model' },
  BUNDLE_NOT_FOUND: { status: 404, exit: 3, title: 'No such bundle' },
  ENDPOINT_NOT_FOUND: { status: 404, exit: 3, title: 'No such endpoint' },
  METRIC_NOT_FOUND: { status: 404, exit: 3, title: 'No such metric' },
  USER_NOT_FOUND: { status: 404, exit: 3, title: 'No such user' },
  HISTORY_CHANGED: { status: 409, exit: 1, title: 'Another history' },
  LEDGER_DAMAGED: { status: 500, exit: 1, title: 'Ledger damaged' },
  SIGNATURE_INVALID: { status: 422, exit: 1, title: 'Signature not valid' },
  EVIDENCE_INVALID: { status: 422, exit: 1, title: 'The evidence is not valid' },
  NOT_PROVED: { status: 422, exit: 1, title: 'Something is not proved' },
  KEY_REFUSED: { status: 403, exit: 4, title: 'The signing key is not accepted' },
  UPLOAD_NOT_FOUND: { status: 404, exit: 3, title: 'No such upload' },
  OBJECT_UNKNOWN: { status: 404, exit: 3, title: 'The store does not hold these bytes' },
  REPOSITORY_UNKNOWN: { status: 404, exit: 3, title: 'No such repository' },
  MANIFEST_UNKNOWN: { status: 404, exit: 3, title: 'No such manifest' },
  MANIFEST_BLOB_UNKNOWN: { status: 404, exit: 3, title: 'The manifest names what is not here' },
  BLOB_UNKNOWN: { status: 404, exit: 3, title: 'No such blob' },
  UNSUPPORTED: { status: 405, exit: 1, title: 'This cannot be done here' },
  PURGED: { status: 410, exit: 3, title: 'The content was purged' },
  AMBIGUOUS: { status: 409, exit: 1, title: 'The short id fits several things' },
  QUARANTINED: { status: 409, exit: 1, title: 'The content is quarantined' },
  IN_USE: { status: 409, exit: 1, title: 'Something still stands at it' },
  WORKSPACE_EXISTS: { status: 409, exit: 1, title: 'The workspace exists' },
  USER_EXISTS: { status: 409, exit: 1, title: 'The user exists' },
  CONFLICT: { status: 409, exit: 1, title: 'Somebody else changed this first' },
  ATTEMPT_STALE: { status: 409, exit: 1, title: 'The attempt is no longer the current one' },
  JOB_NOT_RUNNING: { status: 409, exit: 1, title: 'The job is not running' },
  JOB_RUNNING: { status: 409, exit: 1, title: 'The job is still running' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, exit: 1, title: 'The key belongs to another request' },
  IDEMPOTENCY_IN_PROGRESS: { status: 409, exit: 1, title: 'The first call is still running' },
  TOO_LARGE: { status: 413, exit: 1, title: 'Too large' },
  TOO_MANY_TAGS: { status: 414, exit: 1, title: 'Too many tags at once' },
  RANGE_INVALID: { status: 416, exit: 1, title: 'The range does not fit' },
  VERSION_MISMATCH: { status: 426, exit: 1, title: 'Client and server do not fit together' },
  TOO_MANY_REQUESTS: { status: 429, exit: 1, title: 'Too many requests at once' },
  JOB_FAILED: { status: 500, exit: 5, title: 'The job failed' },
  INTERNAL: { status: 500, exit: 1, title: 'An error inside the server' },
  OBJECT_DAMAGED: { status: 500, exit: 1, title: 'Stored bytes are damaged' },
  ENDPOINT_FAILED: { status: 502, exit: 1, title: 'The service did not answer' },
  RUNNER_UNAVAILABLE: { status: 503, exit: 1, title: 'The runner cannot work' },
  UNAVAILABLE: { status: 503, exit: 1, title: 'Not ready' },
  STORAGE_FULL: { status: 507, exit: 1, title: 'The disk of the server is full' },
  UNREACHABLE: { status: 503, exit: 1, title: 'The server cannot be reached' },
  LOCKED: { status: 503, exit: 1, title: 'The data folder is in use' },
  SCHEMA_NEWER: { status: 500, exit: 1, title: 'The data were written by a newer kaos' },
  CONFIGURATION: { status: 500, exit: 2, title: 'A setting is not valid' },
} as const satisfies Record<string, { status: number; exit: number; title: string }>

export type Code = keyof typeof CODES

export class KaosError extends Error {
  readonly code: Code
  readonly detail: Record<string, unknown>

  /** `message` names the thing and says the next step; `detail` is for programs. */
  constructor(
    code: Code,
    message: string,
    options: { detail?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'KaosError'
    this.code = code
    this.detail = options.detail ?? {}
  }

  get status(): number {
    return CODES[this.code].status
  }

  get exit(): number {
    return CODES[this.code].exit
  }
}

/** Whether this is our error, of that code when one is given. */
export function isKaosError(error: unknown, code?: Code): error is KaosError {
  return error instanceof KaosError && (code === undefined || error.code === code)
}

/** Whether there is no room on the disk, or none left for this user. */
export function isDiskFull(error: unknown): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return code === 'ENOSPC' || code === 'EDQUOT'
}
