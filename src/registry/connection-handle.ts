import type { Connection, Socket } from '../ports/connection.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import { inspectable } from '../guards/inspect.ts'
import { readNamed, type Refusal } from '../guards/named-fields.ts'
import type { PublishResult } from '../model/publish-result.ts'
import type { ConnectionRecord } from './records.ts'
import { ownViewsOf } from './subscription-view.ts'
import type { StreamCatalogue } from '../model/catalogue.ts'
import type { ConnectionSubscribeRequest, OwnSubscription, StreamReference, Subscription } from '../model/subscription.ts'

/** What a manager does for the handles that it gives out. */
export interface HandleActions {
  subscribe(connection: ConnectionRecord, request: unknown): Subscription
  unsubscribe(connection: ConnectionRecord, stream: unknown): boolean
  send(connection: ConnectionRecord, text: unknown): PublishResult
  flush(connection: ConnectionRecord): boolean
  drained(connection: ConnectionRecord): void
  remove(connection: ConnectionRecord, isToBeClosed: boolean): Promise<boolean>
}

/** Makes the handle of a connection. */
export function handleOf(connection: ConnectionRecord, actions: HandleActions): Connection<Socket, StreamCatalogue> {
  return new InspectableHandle(connection, actions)
}

/**
 * The handle of one connection: reads through to the record, and leads to nothing but what `Connection` names.
 *
 * Its `id` and `userId` are own, enumerable properties, by which a test, a log and an equality check tell it from others. They are
 * there to be read: the manager goes by the record.
 */
class ConnectionHandle implements Connection<Socket, StreamCatalogue> {
  readonly id: string
  readonly #connection: ConnectionRecord
  readonly #actions: HandleActions

  constructor(connection: ConnectionRecord, actions: HandleActions) {
    this.id = connection.id
    this.#connection = connection
    this.#actions = actions
    Object.defineProperty(this, 'userId', OWN_USER_ID)
    Object.freeze(this)
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
    return this.#actions.flush(this.#connection)
  }

  drained(): void {
    this.#actions.drained(this.#connection)
  }

  remove(options?: { readonly close?: boolean | undefined }): Promise<boolean> {
    return this.#actions.remove(this.#connection, isToBeClosed(options))
  }

  /** Lets `JSON.stringify` and `console.log` show what the handle stands for. */
  toJSON(): Pick<Connection, 'id' | 'userId'> {
    const { id, userId } = this
    return { id, userId }
  }
}

/**
 * The getter of the prototype as a property of each handle's own.
 *
 * An accessor, since a connection may change its user. All handles share the one function: then it takes no memory of theirs, and they
 * keep their hidden class. A function each would cost 200 bytes.
 */
const OWN_USER_ID: PropertyDescriptor = /* @__PURE__ */ ownAccessor(ConnectionHandle, 'userId')

const InspectableHandle = /* @__PURE__ */ inspectable(ConnectionHandle)

/** Takes the class and not its prototype: a bundler takes the reading of a property for a side effect, and would keep the class for it. */
function ownAccessor({ prototype }: { readonly prototype: object }, name: string): PropertyDescriptor {
  return { ...Object.getOwnPropertyDescriptor(prototype, name), enumerable: true, configurable: false }
}

function isToBeClosed(options: unknown): boolean {
  if (options === undefined) return true
  const { close = true } = readNamed(options, ['close'], refused)
  if (typeof close === 'boolean') return close
  throw refused(`must be a boolean, got ${describe(close)}`, 'close')
}

const refused: Refusal = (what, field, cause) => {
  const message = field === undefined ? `What a removal is told ${what}` : `Field ${describe(field)} of a removal ${what}`
  return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, field === undefined ? {} : { field }, cause)
}
