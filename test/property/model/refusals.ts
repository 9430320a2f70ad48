import type { ErrorCode, QuotaName } from '../../../src/index.ts'
import { isPrivate, keyOf, streams, type Stream } from './catalogue.ts'
import type { ConnectionFact, Facts, Move } from './facts.ts'
import type { ConnectFlaw, MessageFlaw, ReassignFlaw, RevokeFlaw, SubscribeFlaw } from './operations.ts'
import type { Setting } from './setting.ts'
import { PASS, refusedWith, type Verdict } from './stage.ts'

const CONNECT_CODES: Readonly<Record<ConnectFlaw, ErrorCode | undefined>> = {
  same: undefined,
  otherSocket: 'ERR_DUPLICATE_CONNECTION',
  otherUser: 'ERR_DUPLICATE_CONNECTION',
  badId: 'ERR_INVALID_ID',
  badUser: 'ERR_INVALID_ID',
  badSocket: 'ERR_INVALID_SOCKET',
  closedSocket: undefined,
}

export const SUBSCRIBE_CODES: Readonly<Record<SubscribeFlaw, ErrorCode>> = {
  unknownType: 'ERR_UNKNOWN_STREAM',
  noSymbol: 'ERR_SYMBOL_REQUIRED',
  symbolTooMuch: 'ERR_SYMBOL_NOT_ALLOWED',
  badSymbol: 'ERR_INVALID_ID',
  badUser: 'ERR_INVALID_ID',
  otherUser: 'ERR_INVALID_ARGUMENT',
  badFilters: 'ERR_INVALID_ARGUMENT',
  longFilters: 'ERR_QUOTA_EXCEEDED',
  unknownField: 'ERR_INVALID_ARGUMENT',
  nothing: 'ERR_INVALID_ARGUMENT',
}

export const MESSAGE_CODES: Readonly<Record<MessageFlaw, ErrorCode>> = {
  unknownType: 'ERR_UNKNOWN_STREAM',
  noSymbol: 'ERR_SYMBOL_REQUIRED',
  symbolTooMuch: 'ERR_SYMBOL_NOT_ALLOWED',
  badSymbol: 'ERR_INVALID_ID',
  recipientTooMuch: 'ERR_RECIPIENT_NOT_ALLOWED',
  noRecipient: 'ERR_RECIPIENT_REQUIRED',
  badRecipient: 'ERR_INVALID_ID',
  badTimestamp: 'ERR_INVALID_MESSAGE',
  nothing: 'ERR_INVALID_MESSAGE',
}

export const REVOKE_CODES: Readonly<Record<RevokeFlaw, ErrorCode>> = {
  nothing: 'ERR_INVALID_ARGUMENT',
  unknownType: 'ERR_UNKNOWN_STREAM',
  symbolTooMuch: 'ERR_SYMBOL_NOT_ALLOWED',
  badUser: 'ERR_INVALID_ID',
  badSymbol: 'ERR_INVALID_ID',
  unknownField: 'ERR_INVALID_ARGUMENT',
}

/** What a call must be refused with, by the facts alone. */
export class Refusals {
  readonly #setting: Setting
  readonly #facts: Facts

  constructor(setting: Setting, facts: Facts) {
    this.#setting = setting
    this.#facts = facts
  }

  /** Of a malformed call nobody says whether that or the end of the manager is found first. */
  malformed(code: ErrorCode): Verdict {
    return this.#facts.isClosed ? refusedWith(code, 'ERR_CLOSED') : refusedWith(code)
  }

  connect(id: string, userId: string, flaw: ConnectFlaw | undefined): Verdict {
    const code = flaw && CONNECT_CODES[flaw]
    if (code !== undefined) return this.malformed(code)
    if (this.#facts.isClosed) return refusedWith('ERR_CLOSED')
    if (flaw === 'same') return PASS
    if (this.#facts.liveById(id) !== undefined) return refusedWith('ERR_DUPLICATE_CONNECTION')
    if (flaw === 'closedSocket') return refusedWith('ERR_SOCKET_CLOSED')
    return quotaVerdict(this.exceededByConnection(userId))
  }

  /** Before `authorize` is called, and again afterwards. */
  subscribe(userId: string, connection: ConnectionFact | undefined): Verdict {
    if (this.#facts.isClosed) return refusedWith('ERR_CLOSED')
    if (connection !== undefined) return connection.isLive ? PASS : refusedWith('ERR_UNKNOWN_CONNECTION')
    return this.#setting.pendingTtlMs === 0 && !this.#facts.isOnline(userId) ? refusedWith('ERR_UNKNOWN_USER') : PASS
  }

  /** Once `authorize` returned true. */
  hold(userId: string, stream: Stream, connection: ConnectionFact | undefined): Verdict {
    const verdict = this.subscribe(userId, connection)
    return verdict.mayPass ? quotaVerdict(this.exceededByHold(userId, stream, connection)) : verdict
  }

  /** Before `authorize` is called, and again afterwards. Nobody says which of several things that are wrong is found first. */
  reassign(connection: ConnectionFact, userId: string, flaw: ReassignFlaw | undefined): Verdict {
    const codes: ErrorCode[] = [
      ...(flaw === undefined ? [] : ['ERR_INVALID_ID' as const]),
      ...(this.#facts.isClosed ? ['ERR_CLOSED' as const] : connection.isLive ? [] : ['ERR_UNKNOWN_CONNECTION' as const]),
    ]
    if (codes.length > 0 || connection.userId === userId) return refusedWith(...codes)
    return quotaVerdict(this.#hasRoomFor(userId) ? [] : ['connectionsPerUser'])
  }

  /** Quotas of the new user that stand in the way, by what `authorize` allows so far. */
  exceededByMove({ connection, userId, isAllowed }: Move): QuotaName[] {
    const { subscriptionsPerUser } = this.#setting.quotas
    const theirs = this.#facts.subscriptions.filter((each) => each.userId === userId)
    const kept = this.#facts.heldBy(connection).filter(({ stream }) => !isPrivate(stream) && isAllowed(stream))
    const added = kept.filter(({ stream }) => !theirs.some((each) => keyOf(each.stream) === keyOf(stream)))
    return [
      ...(this.#hasRoomFor(userId) ? [] : ['connectionsPerUser' as const]),
      ...(added.length > 0 && theirs.length + added.length > subscriptionsPerUser ? ['subscriptionsPerUser' as const] : []),
    ]
  }

  #hasRoomFor(userId: string): boolean {
    return this.#facts.liveOf(userId).length < this.#setting.quotas.connectionsPerUser
  }

  exceededByConnection(userId: string): QuotaName[] {
    const { connections, connectionsPerUser } = this.#setting.quotas
    return [
      ...(this.#facts.live.length >= connections ? ['connections' as const] : []),
      ...(this.#facts.liveOf(userId).length >= connectionsPerUser ? ['connectionsPerUser' as const] : []),
    ]
  }

  exceededByHold(userId: string, stream: Stream, connection: ConnectionFact | undefined): QuotaName[] {
    const { subscriptionsPerUser, subscriptionsPerConnection, pendingUsers } = this.#setting.quotas
    const theirs = this.#facts.subscriptions.filter((each) => each.userId === userId)
    const known = theirs.find((each) => keyOf(each.stream) === keyOf(stream))
    const isNewUser = theirs.length === 0 && !this.#facts.isOnline(userId)
    const own = connection === undefined || known?.holders.includes(connection) === true ? undefined : this.#facts.heldBy(connection).length
    return [
      ...(known === undefined && theirs.length >= subscriptionsPerUser ? ['subscriptionsPerUser' as const] : []),
      ...(own !== undefined && own >= subscriptionsPerConnection ? ['subscriptionsPerConnection' as const] : []),
      ...(isNewUser && this.#facts.pendingUsers().length >= pendingUsers ? ['pendingUsers' as const] : []),
    ]
  }
}

function quotaVerdict(exceeded: readonly QuotaName[]): Verdict {
  return exceeded.length === 0 ? PASS : refusedWith('ERR_QUOTA_EXCEEDED')
}

/** The flaw, if a request for this stream can have it. */
export function possible<TFlaw extends string>(flaw: TFlaw | undefined, { streamType }: Stream): TFlaw | undefined {
  const { symbol, audience } = streams[streamType]
  if (flaw === 'noSymbol') return symbol === 'required' ? flaw : undefined
  if (flaw === 'symbolTooMuch') return symbol === 'none' ? flaw : undefined
  if (flaw === 'badSymbol') return symbol === 'none' ? undefined : flaw
  if (flaw === 'recipientTooMuch') return audience === 'public' ? flaw : undefined
  if (flaw === 'badRecipient' || flaw === 'noRecipient') return audience === 'private' ? flaw : undefined
  return flaw
}
