import type { HostClient, RunningHost } from '../host.ts'

/** What a harness may leave out, by the name of its method. */
type Capabilities = Pick<HostClient, 'ask' | 'send' | 'sendBytes' | 'freeze'> & Pick<RunningHost, 'connectAndLeave' | 'beat'>

/** Returns a method that a test needs, bound to its object; fails if the harness has left it out. */
export function needed<TName extends keyof Capabilities>(name: TName, of: Pick<Capabilities, TName>): NonNullable<Capabilities[TName]> {
  const method = of[name]
  if (typeof method !== 'function') throw new Error(`This test needs "${name}" of the harness: add it, or skip the test with a reason`)
  return method.bind(of) as NonNullable<Capabilities[TName]>
}
