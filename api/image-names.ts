/** Where the registry has an image that kaos built: `build-train-mnist:e23a2` lies in
 * `mnist/build-train-mnist`. Undefined for other names. */
export function imageRepository(name: string): string | undefined {
  const [, repository, workspace] = /^(build-(?:train|serve)-(.+)):[^:]*$/.exec(name) ?? []
  return repository === undefined ? undefined : `${workspace}/${repository}`
}
