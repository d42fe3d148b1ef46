/* Started by the suite as a process of its own: opens a runner, starts a training, says so, and waits
 * to be killed. */
const work = JSON.parse(process.argv[2] ?? '{}')
const module = await import(work.opener.module)
const runner = await module[work.opener.name](work.opener.options)
await runner.run({ ...work.order, layout: async () => work.layout }, work.place)
process.stdout.write('started\n')
setInterval(() => {}, 1000)
