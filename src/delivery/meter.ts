import type { Socket } from '../ports/connection.ts'
import { disown } from '../guards/user-code.ts'
import type { PlainSink } from '../ports/sink.ts'
import type { AnyTransport } from '../ports/transport.ts'

/** A socket whose buffer is measured, and its transport. */
export interface Measured {
  readonly socket: Socket
  readonly transport: AnyTransport | undefined
}

/** Reads how many bytes a socket has buffered. It is user code: it may throw, or return anything. */
export type Meter = (socket: Socket, transport: AnyTransport | undefined) => unknown

/** Returns how to read a socket's buffered bytes. `undefined` if there is no way: then its pressure is unknown. */
export function meterOf({ socket, transport }: Measured): Meter | undefined {
  if (transport?.bufferedBytes !== undefined) return bufferedBytesOfTransport
  try {
    if ('bufferedAmount' in socket) return bufferedAmount
    if (typeof (socket as Metered).getBufferedAmount === 'function') return getBufferedAmount
  } catch {}
  return undefined
}

/** Returns what the meter reads. An invalid reading counts as `0`, which is no pressure. */
export function bufferedBytes(meter: Meter | undefined, socket: Socket, transport: AnyTransport | undefined): number {
  if (meter === undefined) return 0
  try {
    const reading = meter(socket, transport)
    disown(reading)
    return typeof reading === 'number' && reading > 0 ? reading : 0
  } catch {
    return 0
  }
}

/** Returns the number in a sink's `bufferedAmount`, `0` if there is none. It may be negative or `NaN`, so only compare it. */
export function bufferedAmountOf(sink: PlainSink): number {
  try {
    const reading = sink.bufferedAmount
    if (typeof reading === 'number') return reading
    disown(reading)
  } catch {}
  return 0
}

type Metered = Socket & { readonly bufferedAmount?: unknown; getBufferedAmount?(): unknown }

function bufferedBytesOfTransport(socket: Socket, transport: AnyTransport | undefined): unknown {
  return transport?.bufferedBytes?.(socket)
}

/** The meter of sockets with a `bufferedAmount`. */
export function bufferedAmount(socket: Socket): unknown {
  return (socket as Metered).bufferedAmount
}

function getBufferedAmount(socket: Socket): unknown {
  return (socket as Metered).getBufferedAmount?.()
}
