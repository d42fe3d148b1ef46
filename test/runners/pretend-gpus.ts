/* GPUs that are not there: a device plugin, as a kubelet knows them. A container that asks for one gets
 * /dev/null as its device and its number in CUDA_VISIBLE_DEVICES, as NVIDIA's plugin gives it.
 *
 * The messages of the plugin protocol (v1beta1) are few and flat, so they are written by hand here. */
import { rmSync } from 'node:fs'
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from '@grpc/grpc-js'

const FOLDER = '/var/lib/kubelet/device-plugins'
const ANSWER_WITHIN_MS = 20_000

/** `count` devices under a resource's name, until `close`. */
export async function offerGpus(resource: string, count: number) {
  const name = `kaos-test-${process.pid}.sock`
  const ids = Array.from({ length: count }, (_, number) => `gpu-${number}`)
  const server = new Server()
  server.addService(plugin(), handlers(ids))
  const socket = `unix://${FOLDER}/${name}`
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(socket, ServerCredentials.createInsecure(), error =>
      error ? reject(error) : resolve(),
    )
  })
  await register(name, resource)
  return {
    async close() {
      server.forceShutdown()
      rmSync(`${FOLDER}/${name}`, { force: true })
    },
  }
}

/** Tells the kubelet that there is a plugin. */
function register(endpoint: string, resource: string): Promise<void> {
  const options = { 'grpc.default_authority': 'localhost' }
  const kubelet = new Client(`unix://${FOLDER}/kubelet.sock`, credentials.createInsecure(), options)
  const message = Buffer.concat([texts(1, 'v1beta1'), texts(2, endpoint), texts(3, resource)])
  const deadline = Date.now() + ANSWER_WITHIN_MS
  return new Promise((resolve, reject) => {
    const done = (error: Error | null) => {
      kubelet.close()
      if (error) reject(error)
      else resolve()
    }
    const path = '/v1beta1.Registration/Register'
    kubelet.makeUnaryRequest(path, as, as, message, { deadline }, done)
  })
}

const as = (bytes: Buffer) => bytes
const NAMES = ['GetDevicePluginOptions', 'GetPreferredAllocation', 'PreStartContainer', 'Allocate']

function plugin() {
  const method = (name: string, responseStream: boolean) => ({
    ...{ path: `/v1beta1.DevicePlugin/${name}`, requestStream: false, responseStream },
    ...{ requestSerialize: as, requestDeserialize: as },
    ...{ responseSerialize: as, responseDeserialize: as },
  })
  const unary = NAMES.map(name => [name, method(name, false)])
  return { ...Object.fromEntries(unary), ListAndWatch: method('ListAndWatch', true) }
}

type Call = ServerUnaryCall<Buffer, Buffer>
type Answer = sendUnaryData<Buffer>

function handlers(ids: readonly string[]) {
  const nothing = (_: Call, answer: Answer) => answer(null, Buffer.alloc(0))
  return {
    GetDevicePluginOptions: nothing,
    GetPreferredAllocation: nothing,
    PreStartContainer: nothing,
    ListAndWatch(call: ServerWritableStream<Buffer, Buffer>) {
      const device = (id: string) => bytes(1, Buffer.concat([texts(1, id), texts(2, 'Healthy')]))
      call.write(Buffer.concat(ids.map(device)))
    },
    Allocate({ request }: Call, answer: Answer) {
      const containers = fieldsOf(request).map(({ value }) => given(ids, value))
      answer(null, Buffer.concat(containers))
    },
  }
}

/** What a container gets for the devices that the kubelet chose. */
function given(ids: readonly string[], request: Buffer): Buffer {
  const numbers = fieldsOf(request).map(({ value }) => ids.indexOf(value.toString()))
  const visible = Buffer.concat([texts(1, 'CUDA_VISIBLE_DEVICES'), texts(2, numbers.join(','))])
  const devices = numbers.map(number => {
    const device = [texts(1, `/dev/nvidia${number}`), texts(2, '/dev/null'), texts(3, 'rw')]
    return bytes(3, Buffer.concat(device))
  })
  return bytes(1, Buffer.concat([bytes(1, visible), ...devices]))
}

/** A field of a protocol buffer that holds bytes; all of these are shorter than 16 KiB. */
function bytes(field: number, value: Buffer): Buffer {
  const { length } = value
  const size = length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7]
  return Buffer.concat([Buffer.of((field << 3) | 2, ...size), value])
}

function texts(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value))
}

function fieldsOf(message: Buffer): { field: number; value: Buffer }[] {
  const found: { field: number; value: Buffer }[] = []
  for (let at = 0; at < message.length; ) {
    const field = message[at++]! >> 3
    let length = message[at++]!
    if (length & 0x80) length = (length & 0x7f) | (message[at++]! << 7)
    found.push({ field, value: message.subarray(at, at + length) })
    at += length
  }
  return found
}
