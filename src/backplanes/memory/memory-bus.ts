import { Broker } from './broker.ts'
import type { BusPort } from './bus-port.ts'
import { BusService } from './bus-service.ts'

// Every runtime has it.
declare function queueMicrotask(fn: () => void): void

/** The options of `createMemoryBus`. */
export interface MemoryBusOptions {
  /**
   * Runs the deliveries of the bus. The function must call each `deliver` once, after the function itself has returned. The calls must be in the
   * order in which the function got the deliveries.
   *
   * @default queueMicrotask
   */
  readonly schedule?: ((deliver: () => void) => void) | undefined
}

/** A broker in this process. Made by `createMemoryBus`. */
export interface MemoryBus {
  /**
   * Serves the worker thread or child process at the other end of the port, which calls `memoryBackplane`. Call `attach` right after you make the
   * thread or process, before it joins the cluster. The bus forgets the nodes at the other end of the port when the thread or process ends, when a
   * message cannot be sent to the process, or when you call the returned function.
   */
  attach(port: BusPort): () => void
}

const brokers = /* @__PURE__ */ new WeakMap<object, Broker>()

/**
 * Returns a broker in this process, for clusters whose nodes share a process, a machine, or a test.
 *
 * The broker never loses a message. Worker threads and child processes reach the broker by messages: see `attach`.
 *
 * @example
 * import cluster from 'node:cluster'
 * import { createMemoryBus, memoryBackplane } from 'stream-connection-manager/backplanes/memory'
 *
 * if (cluster.isPrimary) {
 *   const bus = createMemoryBus()
 *   for (let i = 0; i < 4; i++) bus.attach(cluster.fork())
 * } else {
 *   const backplane = memoryBackplane(process) // for joinCluster(manager, recovery, { backplane, prefix: 'desk' })
 * }
 */
export function createMemoryBus({ schedule = queueMicrotask }: MemoryBusOptions = {}): MemoryBus {
  const broker = new Broker((deliver) => schedule(deliver))
  const bus: MemoryBus = {
    attach(port) {
      const service = new BusService(broker, port)
      return () => service.end()
    },
  }
  brokers.set(bus, broker)
  return bus
}

/** Returns the broker of a bus, or `undefined` if `bus` is not a memory bus. */
export function brokerOf(bus: object): Broker | undefined {
  return brokers.get(bus)
}
