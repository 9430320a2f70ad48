export { throttled } from './throttled.ts'
export type { Throttled, ThrottleOptions } from './throttled.ts'
