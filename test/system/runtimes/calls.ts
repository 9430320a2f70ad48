import type { HostedManager } from 'stream-connection-manager/testing'

/** A call of a manager's method that one process asks of another. */
export interface Call {
  readonly method: keyof HostedManager
  readonly args: readonly unknown[]
}

export type Answer = { readonly value: unknown } | { readonly error: string }

/** Carries a call out. What it throws is the answer. */
export async function answer(manager: HostedManager, { method, args }: Call): Promise<Answer> {
  try {
    const call = manager[method] as (...args: readonly unknown[]) => unknown
    return { value: await call(...args) }
  } catch (error) {
    return { error: String(error) }
  }
}

/** Returns a manager that lives in another process, by whatever way calls get there. */
export function remoteManager(ask: (call: Call) => Promise<Answer>): HostedManager {
  const call = async <T>(method: Call['method'], ...args: readonly unknown[]): Promise<T> => {
    const answer = await ask({ method, args })
    if ('error' in answer) throw new Error(`${method} in the host's process: ${answer.error}`)
    return answer.value as T
  }
  return {
    publish: (messages) => call('publish', messages),
    sendToUser: (userId, message) => call('sendToUser', userId, message),
    counts: () => call('counts'),
    stats: () => call('stats'),
    connectionIds: (userId) => call('connectionIds', userId),
    removeUser: (userId) => call('removeUser', userId),
    removeConnection: (connectionId, why) => call('removeConnection', connectionId, why),
    cleanup: (last) => call('cleanup', last),
  }
}
