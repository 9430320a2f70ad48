import type { ErrorCode, PublishResult } from '../../../src/index.ts'
import { chosen, type Destination } from './aim.ts'
import { isPrivate, OWN_TEXTS, USERS, type Stream } from './catalogue.ts'
import { recipientsOf, subscribedTo, type Delivery, type Way } from './deliveries.ts'
import type { ConnectionFact } from './facts.ts'
import { dataOf, fieldsOf, isCounted, isSerializable, textOf } from './messages.ts'
import { NO_EXTRAS, type Content, type ExtraFlaw, type Extras, type MessageFlaw, type OperationOf, type Trouble } from './operations.ts'
import { MESSAGE_CODES, possible } from './refusals.ts'
import type { Setting } from './setting.ts'
import { refusedWith, type Timing, type Verdict } from './stage.ts'
import { describe } from './trace.ts'
import { wireOf } from './user-code.ts'
import type { World } from './world.ts'

/** A message that is about to be published or sent. */
interface Post {
  readonly way: Exclude<Way, 'text' | 'notice' | 'skip'>
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
  readonly extras: Extras
}

const BAD_EXTRAS: Readonly<Record<ExtraFlaw, object>> = { badExcept: { except: ['c1'] }, badText: { text: 7 }, unknownOption: { exept: [] } }
/** Numbers from here on choose a connection of another manager. */
export const STRANGER = 40

/** How messages are published and sent. */
export class Posts {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  publish({ where, content, extras, troubles, flaw }: OperationOf<'publish'>): void {
    this.publishTo(this.#world.aim.destination(where), content, troubles, flaw, extras)
  }

  publishTo({ stream, userId }: Destination, content: Content, troubles: readonly Trouble[] = [], anyFlaw?: MessageFlaw, extras: Extras = NO_EXTRAS): void {
    const flaw = possible(anyFlaw, stream)
    const codes = [...(flaw === undefined ? [] : [MESSAGE_CODES[flaw]]), ...codesOf(extras)]
    this.#post({ way: 'publish', stream, userId, named: userId, target: undefined, address: undefined, content, troubles, codes, flaw, extras })
  }

  send({ way, who, stream: n, recipient, content, extras: anyExtras, troubles, flaw: anyFlaw }: OperationOf<'send'>): void {
    const extras = way === 'sendToConnection' ? { ...anyExtras, except: [] } : NO_EXTRAS
    const { aim } = this.#world
    const stream = aim.stream(n)
    const connection = aim.connection(who)
    const { target, address } = this.#targetOf(way, connection, who)
    const owner = typeof target === 'object' ? target.userId : target
    const named = isPrivate(stream) ? { none: undefined, right: owner, wrong: USERS.find((each) => each !== owner) }[recipient] : undefined
    const userId = isPrivate(stream) ? (owner ?? named) : undefined
    const flaw = anyFlaw === 'noRecipient' ? undefined : possible(anyFlaw, stream)
    const codes = [...(flaw === undefined ? [] : [MESSAGE_CODES[flaw]]), ...mismatches(way, stream, named, owner), ...codesOf(extras)]
    this.#post({ way, stream, userId, named, target, address, content, troubles, codes, flaw, extras })
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
    const verdict = this.#world.verdictOnDepth(timing)
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
      check: (result) => result && this.#checkResult(delivery, undefined, timing, result, false),
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
      act: () => this.#call(post, fields && { ...fields, data: dataOf(number, content, setting.form, () => {}) }, post.extras.flaw && BAD_EXTRAS[post.extras.flaw]),
    })
  }

  #postSound(post: Post, number: number, text: () => string): void {
    const { ledger, clock, userCode, setting, stage, tally, updates } = this.#world
    const { way, stream, userId, target, content, extras: { hasText } } = post
    const timing = stage.isDelivering()
    const ownText = textOf({ number, stream, userId, timestampMs: clock.now() }, content, setting.form)
    const message = {
      number,
      way,
      stream,
      userId,
      target,
      except: this.#leftOutBy(post),
      audience: [],
      isDoomed: false,
      text: hasText ? `#${number} made elsewhere ${'.'.repeat(content.padding)}` : ownText,
      isBytes: setting.form === 'bytes',
      isRecorded: way === 'publish' && setting.recorder !== 'none' && !hasText,
    }
    const verdict = this.#verdictOn(message, post, timing)
    const isMade = this.#refusalOf(message.text, post) === undefined
    const isLater = timing === 'yes' || !isMade || message.isRecorded
    const delivery = ledger.announce(message, isLater ? 'later' : timing === 'no' ? 'now' : 'perhaps now')
    delivery.served = updates.servedBy(delivery)
    if (message.isRecorded) delivery.serialized = () => this.#noteEnd(delivery, post, timing)
    const data = dataOf(number, content, setting.form, () => userCode.serializing(delivery, content.meanwhile))
    const options = this.#optionsOf(post, message.except, message.text)
    this.#armRecipients(delivery, post.troubles)
    if (message.isRecorded) this.#armRecorder(post.extras)
    tally.publishes++
    this.#world.depth.enter(timing)
    this.#world.call<PublishResult>({
      name: way,
      text,
      verdict,
      delivery,
      act: () => this.#call(post, { ...fieldsOf(stream, post.named, undefined), ...(hasText ? {} : { data }) }, options),
      check: (result) => this.#checkResult(delivery, content, timing, result, hasText),
      refused: (error) => {
        this.#noteRefusal(delivery, content, timing, error.code, hasText)
        this.#world.checkQuota(error, this.#refusalOf(message.text, post) === 'ERR_QUOTA_EXCEEDED' ? ['messageUnits'] : [])
      },
    })
    this.#world.depth.leave(timing)
  }

  /** Of those that it may leave out, mostly some that are to get it. */
  #leftOutBy({ stream, userId, extras: { except } }: Post): ConnectionFact[] {
    const { aim, facts } = this.#world
    const subscribed = subscribedTo({ stream, userId }, facts)
    const found = except.filter((n) => n < STRANGER).map((n) => (n % 4 === 0 || subscribed.length === 0 ? aim.connection(n) : chosen(subscribed, n)))
    return [...new Set(found)].filter((each) => each?.handle !== undefined) as ConnectionFact[]
  }

  #optionsOf({ extras: { except, hasText } }: Post, leftOut: readonly ConnectionFact[], text: string): object | undefined {
    const { setting, stranger } = this.#world
    if (except.length === 0 && !hasText) return undefined
    const handles = [...leftOut.map(({ handle }) => handle), ...(except.some((n) => n >= STRANGER) ? [stranger] : [])]
    const isAlone = handles.length === 1 && except.length === 1
    return { ...(except.length > 0 && { except: isAlone ? handles[0] : handles }), ...(hasText && { text: wireOf(text, setting.form === 'bytes') }) }
  }

  /** A message that is to be recorded was serialized: by then the manager may have ended. */
  #noteEnd(delivery: Delivery, post: Post, timing: Timing): void {
    const { facts, stage } = this.#world
    const call = stage.callOf(delivery)
    if (!facts.isClosed || call === undefined || timing === 'yes' || this.#refusalOf(delivery.text, post) !== undefined) return
    call.verdict = timing === 'no' ? refusedWith('ERR_CLOSED') : { codes: [...call.verdict.codes, 'ERR_CLOSED'], mayPass: true }
  }

  #call({ way, address = '' }: Post, message: object | undefined, options: object | undefined): PublishResult {
    const { manager } = this.#world
    switch (way) {
      case 'publish':
        return options === undefined ? manager.publish(message as never) : manager.publish(message as never, options as never)
      case 'sendToUser':
        return manager.sendToUser(address, message as never)
      case 'sendToConnection':
        return options === undefined ? manager.sendToConnection(address, message as never) : manager.sendToConnection(address, message as never, options as never)
      case 'broadcast':
        return manager.broadcast(message as never)
    }
  }

  /** What a sound message may be refused with all the same. */
  #verdictOn(message: Parameters<typeof recipientsOf>[0] & Pick<Delivery, 'text' | 'isRecorded' | 'isBytes'>, post: Post, timing: Timing): Verdict {
    const { facts } = this.#world
    const refusal = this.#refusalOf(message.text, post)
    // A text that was made elsewhere is measured before anything else.
    if (post.extras.hasText && refusal !== undefined) return refusedWith(refusal)
    const isMade = timing === 'yes' || message.isRecorded || recipientsOf(message, facts).length > 0
    const tooDeep = this.#world.verdictOnDepth(timing)
    if (!tooDeep.mayPass) return tooDeep
    // A recorder needs texts: it is found out when it is asked for one.
    const isUnfit = message.isRecorded && message.isBytes && timing !== 'yes'
    const code = refusal ?? (isUnfit ? 'ERR_UNSERIALIZABLE' : undefined)
    if (isUnfit && timing === 'perhaps' && refusal === undefined) return { codes: ['ERR_UNSERIALIZABLE', ...tooDeep.codes], mayPass: true }
    return {
      codes: [...(code === undefined ? [] : [code]), ...tooDeep.codes],
      mayPass: code === undefined || !isMade,
    }
  }

  #refusalOf(text: string, { content, extras: { hasText } }: Post): ErrorCode | undefined {
    const { setting } = this.#world
    if (!hasText) return refusalOf(text, content, setting)
    return text.length > Math.max(setting.quotas.messageUnits, setting.hardLimitBytes) ? 'ERR_QUOTA_EXCEEDED' : undefined
  }

  #checkResult(delivery: Delivery, content: Content | undefined, timing: Timing, result: PublishResult, hasText: boolean): void {
    const { ledger, accounts, updates } = this.#world
    if (timing !== 'perhaps') this.#world.expect(`deferred of message ${delivery.number}`, result.deferred, timing === 'yes')
    if (result.deferred) return this.#noteDeferred(delivery, content, timing, result, hasText)
    ledger.conclude(delivery)
    accounts.checkResult(delivery, result)
    this.#checkSerialized(delivery, content, !hasText && (delivery.isRecorded || delivery.receipts.size > 0) ? 1 : 0)
    if (delivery.leftOut.length > 0 && this.#world.setting.recorder === 'skipping')
      this.#world.expect(`how often a recorder was told that message ${delivery.number} left somebody out`, delivery.timesSkipped, 1)
    updates.noteServed(delivery, delivery.served)
  }

  #noteDeferred(delivery: Delivery, content: Content | undefined, timing: Timing, result: PublishResult, hasText: boolean): void {
    const { ledger, accounts, depth, events, updates } = this.#world
    const { matched, sent, queued, conflated, dropped, failed, skipped } = result
    this.#world.expect(
      `the counts of deferred message ${delivery.number}`,
      matched + sent + queued + conflated + dropped + failed + skipped,
      0,
    )
    depth.noteDeferred(timing)
    accounts.deferred++
    delivery.isDoomed = delivery.isRecorded && delivery.isBytes
    ledger.defer(delivery)
    this.#checkSerialized(delivery, content, hasText ? 0 : 1)
    if (delivery.isDoomed) events.expectError('recorder')
    updates.noteDeferred(delivery)
  }

  #noteRefusal(delivery: Delivery, content: Content | undefined, timing: Timing, code: ErrorCode, hasText = false): void {
    const { ledger, depth } = this.#world
    depth.noteRefused(timing)
    ledger.refuse(delivery)
    this.#checkSerialized(delivery, content, code === 'ERR_PUBLISH_DEPTH' || hasText ? 0 : 1)
  }

  /** A text of the host's own has no content to be serialized. */
  #checkSerialized(delivery: Delivery, content: Content | undefined, times: number): void {
    const { timesSerialized, number } = delivery
    if (content !== undefined && isCounted(content, this.#world.setting.form))
      this.#world.expect(`how often message ${number} was serialized`, timesSerialized, times)
  }

  #armRecorder({ recorded, skipped }: Extras): void {
    if (recorded !== undefined) this.#world.userCode.armRecorder('record', recorded)
    if (skipped !== undefined && this.#world.setting.recorder === 'skipping') this.#world.userCode.armRecorder('skip', skipped)
  }

  #armRecipients(delivery: Delivery, troubles: readonly Trouble[]): void {
    const recipients = recipientsOf(delivery, this.#world.facts)
    for (const { recipient, reaction } of troubles) {
      const socket = chosen(recipients, recipient)?.socket
      if (socket !== undefined) this.#world.userCode.arm(socket, 'nextSends', reaction)
    }
  }
}

function codesOf({ flaw }: Extras): ErrorCode[] {
  return flaw === undefined ? [] : ['ERR_INVALID_ARGUMENT']
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
