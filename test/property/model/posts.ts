import type { ErrorCode, PublishResult } from '../../../src/index.ts'
import { chosen, type Destination } from './aim.ts'
import { isPrivate, OWN_TEXTS, USERS, type Stream } from './catalogue.ts'
import { recipientsOf, type Delivery, type Way } from './deliveries.ts'
import type { ConnectionFact, SubscriptionFact } from './facts.ts'
import { dataOf, fieldsOf, isCounted, isSerializable, textOf } from './messages.ts'
import type { Content, MessageFlaw, OperationOf, Trouble } from './operations.ts'
import { MESSAGE_CODES, possible } from './refusals.ts'
import type { Setting } from './setting.ts'
import { refusedWith, type Verdict } from './stage.ts'
import { describe } from './trace.ts'
import type { World } from './world.ts'

/** A message that is about to be published or sent. */
interface Post {
  readonly way: Exclude<Way, 'text'>
  readonly stream: Stream
  /** Whose it becomes. */
  readonly userId: string | undefined
  /** Whom the message itself names. */
  readonly named: string | undefined
  readonly target: ConnectionFact | string | undefined
  /** How the target is called. */
  readonly address: string | undefined
  readonly content: Content
  readonly troubles: readonly Trouble[]
  /** What it must be refused with; nothing for a sound one. */
  readonly codes: readonly ErrorCode[]
  readonly flaw: MessageFlaw | undefined
}

type Timing = 'yes' | 'no' | 'perhaps'

/** How messages are published and sent. */
export class Posts {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  publish({ where, content, troubles, flaw }: OperationOf<'publish'>): void {
    this.publishTo(this.#world.aim.destination(where), content, troubles, flaw)
  }

  publishTo({ stream, userId }: Destination, content: Content, troubles: readonly Trouble[] = [], anyFlaw?: MessageFlaw): void {
    const flaw = possible(anyFlaw, stream)
    const codes = flaw === undefined ? [] : [MESSAGE_CODES[flaw]]
    this.#post({ way: 'publish', stream, userId, named: userId, target: undefined, address: undefined, content, troubles, codes, flaw })
  }

  send({ way, who, stream: n, recipient, content, troubles, flaw: anyFlaw }: OperationOf<'send'>): void {
    const { aim } = this.#world
    const stream = aim.stream(n)
    const connection = aim.connection(who)
    const { target, address } = this.#targetOf(way, connection, who)
    const owner = typeof target === 'object' ? target.userId : target
    const named = isPrivate(stream) ? { none: undefined, right: owner, wrong: USERS.find((each) => each !== owner) }[recipient] : undefined
    const userId = isPrivate(stream) ? (owner ?? named) : undefined
    const flaw = anyFlaw === 'noRecipient' ? undefined : possible(anyFlaw, stream)
    const codes = [...(flaw === undefined ? [] : [MESSAGE_CODES[flaw]]), ...mismatches(way, stream, named, owner)]
    this.#post({ way, stream, userId, named, target, address, content, troubles, codes, flaw })
  }

  sendText({ who, padding, flaw, troubles }: OperationOf<'sendText'>): void {
    const { ledger, setting, aim } = this.#world
    const connection = aim.connection(who)
    if (connection?.handle === undefined) return
    const { handle, socket } = connection
    const number = ledger.deliveries.length + 1
    const isRefused = flaw === 'noText' || (flaw === 'tooLong' && setting.quotas.messageUnits < Infinity)
    const own = `#${number} ${'.'.repeat(padding)}`
    const text = flaw === 'tooLong' && isRefused ? own.padEnd(setting.quotas.messageUnits + 1) : own
    if (!isRefused && text.length <= setting.quotas.messageUnits) return this.#sendSoundText(connection, number, text, troubles)
    this.#world.call({
      name: 'sendText',
      text: () => `${socket.name}'s handle.send(…)  // ${flaw ?? 'tooLong'}`,
      verdict: refusedWith(flaw === 'noText' ? 'ERR_INVALID_ARGUMENT' : 'ERR_QUOTA_EXCEEDED'),
      act: () => handle.send(flaw === 'noText' ? (undefined as never) : text),
      refused: (error) => this.#world.checkQuota(error, ['messageUnits']),
    })
  }

  #sendSoundText(connection: ConnectionFact, number: number, text: string, troubles: readonly Trouble[]): void {
    const { ledger, depth, stage, tally } = this.#world
    const { socket, handle, userId } = connection
    const timing = stage.isDelivering()
    const verdict = this.#verdictOnDepth(timing)
    const message = { number, way: 'text' as const, stream: OWN_TEXTS, userId, target: connection, text }
    const delivery = ledger.announce(message, timing === 'yes' ? 'later' : timing === 'no' ? 'now' : 'perhaps now')
    this.#armRecipients(delivery, troubles)
    tally.publishes++
    depth.enter(timing)
    this.#world.call<PublishResult | undefined>({
      name: 'sendText',
      text: () => `${socket.name}'s handle.send(${describe(text)})`,
      verdict,
      delivery,
      act: () => handle?.send(text),
      check: (result) => result && this.#checkResult(delivery, undefined, timing, result, []),
      refused: ({ code }) => this.#noteRefusal(delivery, undefined, timing, code),
    })
    depth.leave(timing)
  }

  #targetOf(way: Way, connection: ConnectionFact | undefined, n: number): Pick<Post, 'target' | 'address'> {
    const { aim, facts } = this.#world
    const userId = connection?.userId ?? aim.user(n)
    if (way === 'sendToUser') return { target: userId, address: userId }
    if (way === 'broadcast') return { target: undefined, address: undefined }
    // Of one that is gone the id may be another's now.
    return { target: connection && facts.liveById(connection.id), address: connection?.id ?? 'nobody' }
  }

  #post(post: Post): void {
    const { facts, ledger, setting } = this.#world
    const { way, address, codes, flaw, content } = post
    const number = ledger.deliveries.length + 1
    const fields = fieldsOf(post.stream, post.named, flaw)
    const text = (): string =>
      `manager.${way}(${address === undefined ? '' : `${describe(address)}, `}${describe(fields)})  // message ${number}${content.form === 'object' ? '' : `, ${content.form}`}`
    if (codes.length === 0 && !facts.isClosed) return this.#postSound(post, number, text)
    const verdict = refusedWith(...codes, ...(facts.isClosed ? ['ERR_CLOSED' as const] : []))
    this.#world.call({
      name: way,
      text,
      verdict,
      act: () => this.#call(post, fields && { ...fields, data: dataOf(number, content, setting.form, () => {}) }),
    })
  }

  #postSound(post: Post, number: number, text: () => string): void {
    const { ledger, clock, userCode, setting, stage, tally, updates } = this.#world
    const { way, stream, userId, target, content } = post
    const timing = stage.isDelivering()
    const message = {
      number,
      way,
      stream,
      userId,
      target,
      text: textOf({ number, stream, userId, timestampMs: clock.now() }, content, setting.form),
    }
    const verdict = this.#verdictOn(message as Delivery, content, timing)
    const isMade = refusalOf(message.text, content, setting) === undefined
    const delivery = ledger.announce(message, timing === 'yes' || !isMade ? 'later' : timing === 'no' ? 'now' : 'perhaps now')
    const served = updates.servedBy(delivery)
    const data = dataOf(number, content, setting.form, () => userCode.serializing(delivery, content.meanwhile))
    this.#armRecipients(delivery, post.troubles)
    tally.publishes++
    this.#world.depth.enter(timing)
    this.#world.call<PublishResult>({
      name: way,
      text,
      verdict,
      delivery,
      act: () => this.#call(post, { ...fieldsOf(stream, post.named, undefined), data }),
      check: (result) => this.#checkResult(delivery, content, timing, result, served),
      refused: (error) => {
        this.#noteRefusal(delivery, content, timing, error.code)
        this.#world.checkQuota(error, isTooLong(delivery.text, setting) ? ['messageUnits'] : [])
      },
    })
    this.#world.depth.leave(timing)
  }

  #call({ way, address = '' }: Post, message: object | undefined): PublishResult {
    const { manager } = this.#world
    switch (way) {
      case 'publish':
        return manager.publish(message as never)
      case 'sendToUser':
        return manager.sendToUser(address, message as never)
      case 'sendToConnection':
        return manager.sendToConnection(address, message as never)
      case 'broadcast':
        return manager.broadcast(message as never)
    }
  }

  /** What a sound message may be refused with all the same. */
  #verdictOn(message: Delivery, content: Content, timing: Timing): Verdict {
    const { facts, setting } = this.#world
    const code = refusalOf(message.text, content, setting)
    const isMade = timing === 'yes' || recipientsOf(message, facts).length > 0
    const tooDeep = this.#verdictOnDepth(timing)
    if (!tooDeep.mayPass) return tooDeep
    return {
      codes: [...(code === undefined ? [] : [code]), ...tooDeep.codes],
      mayPass: code === undefined || !isMade,
    }
  }

  #verdictOnDepth(timing: Timing): Verdict {
    const { stage, depth } = this.#world
    if (timing === 'yes' && stage.isWithinOneDelivery && depth.isReached()) return refusedWith('ERR_PUBLISH_DEPTH')
    return { codes: timing !== 'no' && depth.mayBeReached() ? ['ERR_PUBLISH_DEPTH'] : [], mayPass: true }
  }

  #checkResult(delivery: Delivery, content: Content | undefined, timing: Timing, result: PublishResult, served: readonly SubscriptionFact[]): void {
    const { ledger, accounts, updates } = this.#world
    if (timing !== 'perhaps') this.#world.expect(`deferred of message ${delivery.number}`, result.deferred, timing === 'yes')
    if (result.deferred) return this.#noteDeferred(delivery, content, timing, result)
    ledger.conclude(delivery)
    accounts.checkResult(delivery, result)
    this.#checkSerialized(delivery, content, delivery.receipts.size > 0 ? 1 : 0)
    updates.noteServed(delivery, served)
  }

  #noteDeferred(delivery: Delivery, content: Content | undefined, timing: Timing, result: PublishResult): void {
    const { ledger, accounts, depth, updates } = this.#world
    const { matched, sent, queued, conflated, dropped, failed, skipped } = result
    this.#world.expect(
      `the counts of deferred message ${delivery.number}`,
      matched + sent + queued + conflated + dropped + failed + skipped,
      0,
    )
    depth.noteDeferred(timing)
    accounts.deferred++
    ledger.defer(delivery)
    this.#checkSerialized(delivery, content, 1)
    updates.noteDeferred(delivery)
  }

  #noteRefusal(delivery: Delivery, content: Content | undefined, timing: Timing, code: ErrorCode): void {
    const { ledger, depth } = this.#world
    depth.noteRefused(timing)
    ledger.refuse(delivery)
    this.#checkSerialized(delivery, content, code === 'ERR_PUBLISH_DEPTH' ? 0 : 1)
  }

  /** A text of the host's own has no content to be serialized. */
  #checkSerialized(delivery: Delivery, content: Content | undefined, times: number): void {
    const { timesSerialized, number } = delivery
    if (content !== undefined && isCounted(content, this.#world.setting.form))
      this.#world.expect(`how often message ${number} was serialized`, timesSerialized, times)
  }

  #armRecipients(delivery: Delivery, troubles: readonly Trouble[]): void {
    const recipients = recipientsOf(delivery, this.#world.facts)
    for (const { recipient, reaction } of troubles) {
      const socket = chosen(recipients, recipient)?.socket
      if (socket !== undefined) this.#world.userCode.arm(socket, 'nextSends', reaction)
    }
  }
}

/** Why no text can be made of a message, or none that may be sent. */
function refusalOf(text: string, content: Content, setting: Setting): ErrorCode | undefined {
  if (!isSerializable(content)) return 'ERR_UNSERIALIZABLE'
  return isTooLong(text, setting) ? 'ERR_QUOTA_EXCEEDED' : undefined
}

function isTooLong({ length }: string, { quotas }: Setting): boolean {
  return length > quotas.messageUnits
}

/** What is wrong with whom a private message names, or does not. */
function mismatches(way: Way, stream: Stream, named: string | undefined, owner: string | undefined): ErrorCode[] {
  if (!isPrivate(stream)) return []
  if (way === 'broadcast') return [named === undefined ? 'ERR_RECIPIENT_REQUIRED' : 'ERR_RECIPIENT_NOT_ALLOWED']
  return named === undefined || owner === undefined || named === owner ? [] : ['ERR_RECIPIENT_MISMATCH']
}
