export type { BusPort } from './bus-port.ts'
export { memoryBackplane } from './memory-backplane.ts'
export { createMemoryBus } from './memory-bus.ts'
export type { MemoryBus, MemoryBusOptions } from './memory-bus.ts'
