/* The relay of a service as a process of its own, in the network of the service:
 *
 *   node relay-main.ts SOCKET PORT      fd 3: told when connections are taken
 *
 * It ends with the supervisor that started it. */
import { closeSync, rmSync, writeSync } from 'node:fs'
import { openRelay } from './relay.ts'

const [socket = '', port] = process.argv.slice(2)
rmSync(socket, { force: true })
await openRelay(socket, Number(port))
writeSync(3, '.')
closeSync(3)
