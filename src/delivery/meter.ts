import type { Socket } from '../ports/connection.ts'
import { disown } from '../guards/user-code.ts'
import type { PlainSink } from '../ports/sink.ts'
import type { AnyTransport } from '../ports/transport.ts'

/** Whose buffer is measured. */
export interface Measured {
  readonly socket: Socket
  readonly transport: AnyTransport | undefined
}

/** Reads how many bytes a socket has buffered. User code: it may throw, and answer anything. */
export type Meter = (socket: Socket, transport: AnyTransport | undefined) => unknown

/** How to read a socket's buffered bytes; `undefined` where there is no way, so that its pressure is unknown. */
export function meterOf({ socket, transport }: Measured): Meter | undefined {
  if (transport?.bufferedBytes !== undefined) return bufferedBytesOfTransport
  try {
    if ('bufferedAmount' in socket) return bufferedAmount
    if (typeof (socket as Metered).getBufferedAmount === 'function') return getBufferedAmount
  } catch {}
  return undefined
}

/** What the meter reads; `0`, which is no pressure, for a reading that makes no sense. */
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

/** The number that a sink tells of what it has buffered, if only to be compared: it may make no sense; `0` where there is none. */
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

/** The meter of those that tell it themselves, by a property. */
export function bufferedAmount(socket: Socket): unknown {
  return (socket as Metered).bufferedAmount
}

function getBufferedAmount(socket: Socket): unknown {
  return (socket as Metered).getBufferedAmount?.()
}
