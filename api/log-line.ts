/* Lines of the logs of server and worker: each one JSON object, so that a program can read them:
 * time, level, message, then whatever says what it is about (requestId, actor, workspace, job, attempt). */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export function logLine(level: LogLevel, message: string, fields: object = {}): string {
  return `${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`
}

/** Whether a line of that level is written where `least` is asked for. */
export function isLogged(level: LogLevel, least: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least)
}
