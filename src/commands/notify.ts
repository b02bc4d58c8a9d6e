/**
 * Tells systemd that the service is ready, where it asked for it. Spec: sd_notify(3): a datagram to the socket in NOTIFY_SOCKET, which
 * the runtime cannot send, so the C library does.
 */
import { dlopen, FFIType, ptr } from 'bun:ffi'

const AF_UNIX = 1
const SOCK_DGRAM = 2

export function notifySupervisor(state: 'READY=1' | 'STOPPING=1', address: string | undefined): void {
  if (!address || process.platform !== 'linux') return
  const { symbols, close } = dlopen(null as unknown as string, {
    socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    sendto: { args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i64 },
    close: { args: [FFIType.i32], returns: FFIType.i32 },
  })
  const path = Buffer.from(address)
  // a leading @ means the abstract name space, where the first byte is 0
  if (path[0] === 0x40) path[0] = 0
  const name = Buffer.alloc(2 + path.length + (path[0] === 0 ? 0 : 1))
  name.writeUInt16LE(AF_UNIX, 0)
  path.copy(name, 2)
  const message = Buffer.from(state)
  const socket = symbols.socket(AF_UNIX, SOCK_DGRAM, 0)
  symbols.sendto(socket, ptr(message), message.length, 0, ptr(name), name.length)
  symbols.close(socket)
  close()
}
