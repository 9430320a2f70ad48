import { ConnectionManagerError, describe } from '../../errors.ts'
import type { Backplane } from '../../ports/backplane.ts'
import type { BusPort } from './bus-port.ts'
import { LocalLine } from './local-line.ts'
import { brokerOf, type MemoryBus } from './memory-bus.ts'
import { RemoteLine } from './remote-line.ts'

/**
 * Returns the driver of one node, for `joinCluster`. If the bus is in this process and thread, pass the bus. In a worker thread or a child process,
 * pass the port that leads to the bus: see `createMemoryBus`.
 *
 * If the process or thread that has the bus ends, the nodes in other threads and processes lose the bus. A lost bus does not come back.
 *
 * @throws `ERR_INVALID_BACKPLANE` if `bus` is neither a bus nor a port
 *
 * @example
 * import { createMemoryBus, memoryBackplane } from 'stream-connection-manager/backplanes/memory'
 *
 * const bus = createMemoryBus()
 * const backplane = memoryBackplane(bus) // for joinCluster(manager, recovery, { backplane, prefix: 'desk' })
 */
export function memoryBackplane(bus: MemoryBus | BusPort): Backplane {
  const broker = brokerOf(bus)
  if (broker !== undefined) return new LocalLine(broker)
  if (!isPort(bus)) throw new ConnectionManagerError('ERR_INVALID_BACKPLANE', `Expected a memory bus or a port, got ${describe(bus)}`)
  return new RemoteLine(bus)
}

function isPort(bus: unknown): bus is BusPort {
  const port = bus as Partial<BusPort> | null | undefined
  return typeof port?.on === 'function' && (typeof port.postMessage === 'function' || typeof port.send === 'function')
}
