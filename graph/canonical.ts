/** Canonical JSON, which the api room has. */
export { canonical, JSON_DEPTH_MAX } from '../api/canonical.ts'
