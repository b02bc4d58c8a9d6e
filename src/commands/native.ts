/** Two things only the C library can do for us. Where it is not found they are left undone. */
import { dlopen, FFIType, ptr } from 'bun:ffi'

const LIBRARIES: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'],
  darwin: ['libSystem.B.dylib'],
}

function withLibrary(use: (library: ReturnType<typeof open>) => void): void {
  for (const name of LIBRARIES[process.platform] ?? []) {
    try {
      use(open(name))
      return
    } catch {
      // the next one, or none
    }
  }
}

const open = (name: string) =>
  dlopen(name, {
    setenv: { args: [FFIType.ptr, FFIType.ptr, FFIType.i32], returns: FFIType.i32 },
    socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    sendto: { args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i64 },
    close: { args: [FFIType.i32], returns: FFIType.i32 },
  }).symbols

/** Enough for some dead file servers and the living ones. */
export const FILE_OPERATIONS = 64

/**
 * The runtime has as many threads for file operations as there are cores, and each one that hangs on a dead file server takes one
 * away. It reads how many it shall have when it needs the first one: call this before.
 */
export function allowManyFileOperations(count = FILE_OPERATIONS): void {
  if (process.env['UV_THREADPOOL_SIZE']) return
  withLibrary(({ setenv }) => {
    setenv(ptr(Buffer.from('UV_THREADPOOL_SIZE\0')), ptr(Buffer.from(`${count}\0`)), 1)
  })
}

const AF_UNIX = 1
const SOCK_DGRAM = 2

/**
 * Tells systemd that the service is ready or stopping, where it asked for it. Spec: sd_notify(3), a datagram to the socket in
 * NOTIFY_SOCKET, which the runtime cannot send.
 */
export function notifySupervisor(state: 'READY=1' | 'STOPPING=1', address: string | undefined): void {
  if (!address || process.platform !== 'linux') return
  const path = Buffer.from(address)
  // a leading @ means the abstract name space, where the first byte is 0
  if (path[0] === 0x40) path[0] = 0
  const name = Buffer.alloc(2 + path.length + (path[0] === 0 ? 0 : 1))
  name.writeUInt16LE(AF_UNIX, 0)
  path.copy(name, 2)
  const message = Buffer.from(state)
  withLibrary(({ socket, sendto, close }) => {
    const descriptor = socket(AF_UNIX, SOCK_DGRAM, 0)
    sendto(descriptor, ptr(message), message.length, 0, ptr(name), name.length)
    close(descriptor)
  })
}
