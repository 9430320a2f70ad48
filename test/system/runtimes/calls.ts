import { hosted, type Hostable, type HostedManager } from 'stream-connection-manager/testing'

/** What goes on the wire, as JSON can say it: a text, or the bytes as numbers. */
export type Payload = string | readonly number[]

/** A manager of another process, which also sends what the suite of hosts does not. */
export interface RemoteManager extends HostedManager {
  /** Publishes each of these as it is to a public stream. */
  publishPayloads(stream: { readonly streamType: 'PRICE'; readonly symbol: string }, payloads: readonly Payload[]): unknown
}

/** A recipe's server in another process. */
export interface ServedElsewhere {
  readonly manager: RemoteManager
  readonly port: number
  stop(): Promise<void>
}

/** Returns a manager of this process in the form that another process calls. */
export function called(manager: Hostable): RemoteManager {
  return {
    ...hosted(manager),
    publishPayloads: (stream, payloads) =>
      payloads.map((each) => manager.publish(stream, { text: typeof each === 'string' ? each : Uint8Array.from(each) })),
  }
}

/** A call of a manager's method that one process asks of another. */
export interface Call {
  readonly method: keyof RemoteManager
  readonly args: readonly unknown[]
}

export type Answer = { readonly value: unknown } | { readonly error: string }

/** Carries a call out. What it throws is the answer. */
export async function answer(manager: RemoteManager, { method, args }: Call): Promise<Answer> {
  try {
    const call = manager[method] as (...args: readonly unknown[]) => unknown
    return { value: await call(...args) }
  } catch (error) {
    return { error: String(error) }
  }
}

/** Returns a manager that lives in another process, by whatever way calls get there. */
export function remoteManager(ask: (call: Call) => Promise<Answer>): RemoteManager {
  const call = async <T>(method: Call['method'], ...args: readonly unknown[]): Promise<T> => {
    const answer = await ask({ method, args })
    if ('error' in answer) throw new Error(`${method} in the host's process: ${answer.error}`)
    return answer.value as T
  }
  return {
    publish: (messages) => call('publish', messages),
    publishPayloads: (stream, payloads) => call('publishPayloads', stream, payloads),
    sendToUser: (userId, message) => call('sendToUser', userId, message),
    counts: () => call('counts'),
    stats: () => call('stats'),
    connectionIds: (userId) => call('connectionIds', userId),
    removeUser: (userId) => call('removeUser', userId),
    removeConnection: (connectionId, why) => call('removeConnection', connectionId, why),
    cleanup: (last) => call('cleanup', last),
  }
}
