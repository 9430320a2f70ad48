import type { Socket } from '../ports/connection.ts'
import { disown } from '../guards/user-code.ts'
import type { PlainSink } from '../ports/sink.ts'
import type { AnyTransport } from '../ports/transport.ts'

/** A socket whose buffer is measured, and its transport. */
export interface Measured {
  readonly socket: Socket
  readonly transport: AnyTransport | undefined
}

/** Reads how many bytes a socket has buffered. A meter runs user code, which may throw or return any value. */
export type Meter = (socket: Socket, transport: AnyTransport | undefined) => unknown

/**
 * Returns a function that reads a socket's buffered bytes. Returns `undefined` if nothing tells how many bytes the socket has buffered, or if looking
 * up the socket's properties throws.
 */
export function meterOf({ socket, transport }: Measured): Meter | undefined {
  if (transport?.bufferedBytes !== undefined) return bufferedBytesOfTransport
  try {
    if ('bufferedAmount' in socket) return bufferedAmount
    if (typeof (socket as Metered).getBufferedAmount === 'function') return getBufferedAmount
  } catch {}
  return undefined
}

/**
 * Returns how many bytes a socket has buffered, as its meter reads it. Returns `0` if there is no meter, if the meter throws, or if the reading is
 * not a positive number. The socket then counts as having room.
 */
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

/**
 * Returns the `bufferedAmount` of a socket without a send queue. Returns `0` if reading it throws, or if it is not a number. The number may be
 * negative or `NaN`, so use it only in comparisons.
 */
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

/** The `Meter` for sockets with a `bufferedAmount`: reads this property. */
export function bufferedAmount(socket: Socket): unknown {
  return (socket as Metered).bufferedAmount
}

function getBufferedAmount(socket: Socket): unknown {
  return (socket as Metered).getBufferedAmount?.()
}
