import { subscriptionKey, type ConnectionManager, type Socket } from '../../../src/index.ts'
import type { Streams } from '../../support/pressured-socket.ts'
import type { Ledger } from './ledger.ts'

/** Listens to everything that a manager tells, and sees to it that whatever begins ends, once. */
export class Observer {
  /** `stage id` of each error. */
  readonly errors: string[] = []
  /** `id reason` of each connection that was removed. */
  readonly removals: string[] = []
  /** Every event, in order. */
  readonly log: string[] = []
  /** What was told out of turn. */
  readonly complaints: string[] = []
  readonly #open = new Set<string>()

  constructor(manager: ConnectionManager<Socket, Streams>, ledger: Ledger, noticed: () => void) {
    const note = (text: string): void => void this.log.push(text)
    const begin = (event: string, what: string): void => {
      note(`${event} ${what}`)
      if (this.#open.has(what)) this.complaints.push(`${event} ${what}, which has begun already`)
      this.#open.add(what)
      noticed()
    }
    const end = (event: string, what: string): void => {
      note(`${event} ${what}`)
      if (!this.#open.delete(what)) this.complaints.push(`${event} ${what}, which had not begun`)
      noticed()
    }
    manager.on('connectionAdded', ({ connection }) => begin('added', `connection ${connection.id}`))
    manager.on('connectionRemoved', ({ connection, reason }) => {
      this.removals.push(`${connection.id} ${reason}`)
      for (const client of ledger.clients) if (client.name === connection.id) client.isGone = true
      this.#open.delete(`lag of ${connection.id}`)
      end('removed', `connection ${connection.id}`)
    })
    manager.on('connectionReassigned', ({ connection: { id, userId }, from }) => {
      note(`reassigned connection ${id} from ${from}`)
      for (const client of ledger.clients) if (client.name === id && !client.isGone) client.userId = userId
    })
    manager.on('connectionBehind', ({ connection }) => begin('began', `lag of ${connection.id}`))
    manager.on('connectionCaughtUp', ({ connection }) => end('ended', `lag of ${connection.id}`))
    manager.on('userOnline', ({ userId }) => begin('online', `user ${userId}`))
    manager.on('userOffline', ({ userId }) => {
      ledger.ofUser.delete(userId)
      end('offline', `user ${userId}`)
    })
    manager.on('subscriptionAdded', ({ subscription }) => begin('added', `subscription ${subscription.key}`))
    manager.on('subscriptionRemoved', ({ subscription }) => end('removed', `subscription ${subscription.key}`))
    manager.on('subscriptionChanged', ({ subscription }) => note(`changed subscription ${subscription.key}: ${subscription.status}`))
    manager.on('streamActive', (stream) => begin('active', `stream ${subscriptionKey({ userId: '*', ...stream })}`))
    manager.on('streamIdle', (stream) => end('idle', `stream ${subscriptionKey({ userId: '*', ...stream })}`))
    manager.on('gap', ({ connection, streamType, dropped }) => note(`gap ${connection.id} ${streamType} ${dropped}`))
    manager.on('error', ({ stage, connection, error }) => {
      this.errors.push(`${stage} ${connection?.id ?? '-'}`)
      note(`error ${stage} ${connection?.id ?? '-'}: ${error instanceof Error ? error.message : String(error)}`)
      noticed()
    })
  }

  /** What began and has not ended. */
  get unfinished(): string[] {
    return [...this.#open]
  }
}
