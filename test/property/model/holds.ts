import type { ErrorCode, QuotaName, Subscription } from '../../../src/index.ts'
import type { Stream } from './catalogue.ts'
import type { ConnectionFact, Filters, Holder } from './facts.ts'
import type { Authorization, OperationOf, SubscribeFlaw } from './operations.ts'
import { possible, REVOKE_CODES, SUBSCRIBE_CODES } from './refusals.ts'
import { answerOf, isRevokedBy, Rejection, requestOf, revocationOf } from './requests.ts'
import { PASS, refusedWith } from './stage.ts'
import { describe } from './trace.ts'
import type { World } from './world.ts'

/** A subscription that somebody wants. */
interface Wish {
  readonly userId: string
  readonly stream: Stream
  /** Who wants it for itself; `undefined` for the user as such. */
  readonly connection: ConnectionFact | undefined
  readonly filters: Filters | undefined
  readonly authorization: Authorization
  readonly flaw: SubscribeFlaw | undefined
  /** The quotas that stand in the way, when it is decided. */
  exceeded?: readonly QuotaName[]
}

const GIVEN: Authorization = { answer: 'yes', meanwhile: [] }

/** How subscriptions begin and end. */
export class Holds {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  subscribe({ who, stream: n, filters, authorization, flaw }: OperationOf<'subscribe'>): void {
    const connection = this.#world.aim.connection(who)
    if (connection === undefined) return
    const stream = this.#world.aim.stream(n)
    const possibleFlaw = possible(flaw, stream)
    this.#ask({ userId: connection.userId, stream, connection, filters: this.#filters(filters), authorization, flaw: possibleFlaw })
  }

  addSubscription({ user, stream: n, whose, filters, authorization, flaw }: OperationOf<'addSubscription'>): void {
    const { aim } = this.#world
    const known = whose === 'again' ? aim.known(n) : undefined
    const { userId, stream } = known ?? { userId: whose === 'absent' ? aim.absentUser(user) : aim.user(user), stream: aim.stream(n) }
    this.#ask({
      userId,
      stream,
      connection: undefined,
      filters: this.#filters(filters || known !== undefined),
      authorization,
      flaw: flaw === 'otherUser' ? undefined : possible(flaw, stream),
    })
  }

  /** Subscribes without more ado: a connection, or else a user. */
  hold(userId: string, stream: Stream, connection: ConnectionFact | undefined): void {
    this.#ask({ userId: connection?.userId ?? userId, stream, connection, filters: undefined, authorization: GIVEN, flaw: undefined })
  }

  /** Subscribes a user again, with other filters. */
  holdOtherwise(userId: string, stream: Stream): void {
    this.#ask({ userId, stream, connection: undefined, filters: this.#filters(true), authorization: GIVEN, flaw: undefined })
  }

  unsubscribe({ which }: OperationOf<'unsubscribe'>): void {
    const { aim, facts } = this.#world
    const hold = aim.hold(which)
    if (hold?.connection.handle === undefined) return
    const { connection, stream } = hold
    const subscription = connection.isLive ? facts.subscription(connection.userId, stream) : undefined
    const isHeld = subscription?.holders.includes(connection) === true
    this.#world.call({
      name: 'unsubscribe',
      text: () => `${connection.socket.name}'s handle.unsubscribe(${describe(stream)})`,
      verdict: PASS,
      commit: () => isHeld && this.#world.commit(() => facts.letGo(subscription, connection)),
      act: () => connection.handle?.unsubscribe(stream),
      check: (wasHeld) => this.#world.expect('unsubscribe', wasHeld, isHeld),
    })
  }

  removeSubscription({ which }: OperationOf<'removeSubscription'>): void {
    const { aim, facts, manager } = this.#world
    const known = aim.subscription(which)
    const reference = { userId: known?.userId ?? aim.user(which), ...(known?.stream ?? aim.stream(which)) }
    const isByView = which % 2 === 0
    this.#world.call({
      name: 'removeSubscription',
      text: () => `manager.removeSubscription(${describe(reference)})`,
      verdict: PASS,
      commit: () => known && this.#world.commit(() => facts.end([known])),
      act: () => manager.removeSubscription(isByView && known?.view !== undefined ? known.view : reference),
      check: (wasThere) => this.#world.expect('removeSubscription', wasThere, known !== undefined),
    })
  }

  revoke({ which, by, comeBack, flaw }: OperationOf<'revoke'>): void {
    const { aim, facts, manager } = this.#world
    const { userId, stream } = aim.revocable(which)
    const revocation = revocationOf(userId, stream, by, flaw)
    const ended = flaw === undefined ? facts.subscriptions.filter((each) => isRevokedBy(each, revocation)) : []
    const held = ended.flatMap((each) => each.holders.map((holder) => ({ ...each, holder })))
    this.#world.call({
      name: 'revoke',
      text: () => `manager.revoke(${describe(revocation)})`,
      verdict: flaw === undefined ? PASS : refusedWith(REVOKE_CODES[flaw]),
      commit: () =>
        this.#world.commit(() => {
          this.#world.events.expectRevoked(revocation, this.#world.stage.call)
          facts.revoke(revocation)
          facts.end(ended)
        }),
      act: () => manager.revoke(revocation as never),
      check: (count) => this.#world.expect('revoke', count, ended.length),
    })
    if (comeBack) for (const each of held) this.hold(each.userId, each.stream, asConnection(each.holder))
  }

  #filters(areWanted: boolean): Wish['filters'] {
    return areWanted ? { depth: this.#world.facts.version % 3 } : undefined
  }

  #ask(wish: Wish): void {
    const { userId, stream, connection, filters, flaw } = wish
    const { manager, refusals, setting } = this.#world
    if (connection !== undefined && connection.handle === undefined) return
    const request = requestOf(userId, stream, filters, flaw)
    wish.exceeded = refusals.exceededByHold(userId, stream, connection)
    const before = flaw === undefined ? refusals.subscribe(userId, connection) : refusals.malformed(codeOf(flaw, connection))
    this.#world.call<Subscription | undefined>({
      name: connection === undefined ? 'addSubscription' : 'subscribe',
      text: () =>
        `${connection === undefined ? 'manager.addSubscription' : `${connection.socket.name}'s handle.subscribe`}(${describe(request)})`,
      verdict: before.mayPass && !setting.hasAuthorize ? refusals.hold(userId, stream, connection) : before,
      asking: setting.hasAuthorize
        ? { ...stream, userId, filters, connection, timesAsked: 0, answer: () => this.#authorize(wish) }
        : undefined,
      commit: () => this.#commit(wish),
      act: () => (connection === undefined ? manager.addSubscription(request as never) : connection.handle?.subscribe(request as never)),
      check: (view) => this.#checkView(wish, view),
      refused: (error) =>
        this.#world.checkQuota(error, flaw === 'longFilters' ? ['filterUnits'] : (wish.exceeded ?? [])),
    })
  }

  /** Authorization is asked: it is decided only now what becomes of the subscription. */
  #authorize(wish: Wish): unknown {
    const frame = this.#world.stage.call
    this.#world.carryOut(wish.authorization.meanwhile)
    if (frame !== undefined) frame.verdict = refusedWith('ERR_FORBIDDEN')
    this.#world.tally.noteBehaviour('authorize', wish.authorization.answer)
    if (wish.authorization.answer === 'throw' || wish.authorization.answer === 'rejection') this.#world.events.expectError('authorize')
    const given = answerOf(wish.authorization.answer)
    if (given !== true) return given instanceof Rejection ? given.promise : given
    // What the old user may have says nothing of the new one.
    const isGivenAway = wish.connection !== undefined && wish.connection.userId !== wish.userId
    wish.exceeded = this.#world.refusals.exceededByHold(wish.userId, wish.stream, wish.connection)
    const held = this.#world.refusals.hold(wish.userId, wish.stream, wish.connection)
    const verdict = isGivenAway && held.codes[0] !== 'ERR_CLOSED' && wish.connection?.isLive === true ? refusedWith('ERR_FORBIDDEN') : held
    if (frame !== undefined) frame.verdict = verdict
    if (verdict.mayPass) this.#commit(wish)
    return true
  }

  #commit({ userId, stream, connection, filters }: Wish): void {
    const { facts, clock } = this.#world
    const holder = connection ?? 'user'
    const known = facts.subscription(userId, stream)
    const hasOtherFilters = known !== undefined && (known.asked.get(holder)?.filters !== undefined || filters !== undefined)
    const hold = (): void => void facts.hold({ userId, stream, holder, filters, createdAtMs: clock.now() })
    this.#world.commit(hold, hasOtherFilters ? { subscription: known, holder } : undefined)
  }

  #checkView({ userId, stream }: Wish, view: Subscription | undefined): void {
    const subscription = this.#world.facts.subscription(userId, stream)
    // What ended within the call, by a listener, is nobody's any more.
    if (view === undefined || subscription === undefined || view.status === 'DISCONNECTED') return
    if (subscription.view !== undefined && subscription.view !== view) this.#world.complain(`${describe({ userId, ...stream })} has two views`)
    subscription.view = view
  }
}

/** A connection's own user is no news, whoever else is somebody else. */
function codeOf(flaw: SubscribeFlaw, connection: ConnectionFact | undefined): ErrorCode {
  return flaw === 'badUser' && connection !== undefined ? 'ERR_INVALID_ARGUMENT' : SUBSCRIBE_CODES[flaw]
}

function asConnection(holder: Holder): ConnectionFact | undefined {
  return holder === 'user' ? undefined : holder
}
