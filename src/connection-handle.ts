import type { Connection, Socket } from './connection.ts'
import { ConnectionManagerError, shown } from './errors.ts'
import { readNamed, type Refusal } from './named.ts'
import type { PublishResult } from './publish-result.ts'
import type { ConnectionRecord } from './registry/records.ts'
import { ownViewsOf } from './registry/subscription-view.ts'
import type { StreamCatalogue } from './streams/catalogue.ts'
import type { ConnectionSubscribeRequest, OwnSubscription, StreamReference, Subscription } from './streams/subscription.ts'

/** What a manager does for the handles that it gives out. */
export interface HandleActions {
  subscribe(connection: ConnectionRecord, request: unknown): Subscription
  unsubscribe(connection: ConnectionRecord, stream: unknown): boolean
  send(connection: ConnectionRecord, text: unknown): PublishResult
  remove(connection: ConnectionRecord, isToBeClosed: boolean): Promise<boolean>
}

/** The handle of one connection: reads through to the record, and leads to nothing but what `Connection` names. */
export class ConnectionHandle implements Connection<Socket, StreamCatalogue> {
  readonly #connection: ConnectionRecord
  readonly #actions: HandleActions

  constructor(connection: ConnectionRecord, actions: HandleActions) {
    this.#connection = connection
    this.#actions = actions
    Object.freeze(this)
  }

  get id(): string {
    return this.#connection.id
  }

  get userId(): string {
    return this.#connection.user.id
  }

  get socket(): Socket {
    return this.#connection.socket
  }

  get removed(): boolean {
    return this.#connection.removed
  }

  subscriptions(): OwnSubscription[] {
    return ownViewsOf(this.#connection)
  }

  subscribe(request: ConnectionSubscribeRequest<StreamCatalogue>): Subscription {
    return this.#actions.subscribe(this.#connection, request)
  }

  unsubscribe(stream: StreamReference): boolean {
    return this.#actions.unsubscribe(this.#connection, stream)
  }

  send(text: string): PublishResult {
    return this.#actions.send(this.#connection, text)
  }

  flush(): boolean {
    return this.#connection.outbox?.flush() ?? true
  }

  drained(): void {
    this.#connection.outbox?.drained()
  }

  remove(options?: { readonly close?: boolean | undefined }): Promise<boolean> {
    return this.#actions.remove(this.#connection, isToBeClosed(options))
  }
}

function isToBeClosed(options: unknown): boolean {
  if (options === undefined) return true
  const { close = true } = readNamed(options, ['close'], refused)
  if (typeof close === 'boolean') return close
  throw refused(`must be a boolean, got ${shown(close)}`, 'close')
}

const refused: Refusal = (what, field, cause) => {
  const message = field === undefined ? `What a removal is told ${what}` : `Field ${shown(field)} of a removal ${what}`
  return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, field === undefined ? {} : { field }, cause)
}
