import type { HostClient, RunningHost } from '../host.ts'

/** The optional methods of a harness. */
type Capabilities = Pick<HostClient, 'ask' | 'send' | 'sendBytes' | 'freeze' | 'closedWith'> & Pick<RunningHost, 'connectAndLeave' | 'beat'>

/** Returns an optional method that a test needs, bound to its object. Throws if the harness does not have the method. */
export function needed<TName extends keyof Capabilities>(name: TName, of: Pick<Capabilities, TName>): NonNullable<Capabilities[TName]> {
  const method = of[name]
  if (typeof method !== 'function') throw new Error(`This test requires the harness to have \`${name}\`: add it, or skip the test with a reason`)
  return method.bind(of) as NonNullable<Capabilities[TName]>
}
