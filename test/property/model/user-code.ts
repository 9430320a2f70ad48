import { ConnectionManagerError, type AuthorizationRequest, type CloseDetails, type CloseReason, type Notice, type StreamMessage } from '../../../src/index.ts'
import { isPrivate, keyOf, type Stream, type Streams } from './catalogue.ts'
import { droppedGapIn, nameOf, type Handed } from './ledger.ts'
import type { Delivery } from './deliveries.ts'
import type { ConnectionFact } from './facts.ts'
import type { Moving } from './moving.ts'
import type { Answer, EventName, Operation, Reaction } from './operations.ts'
import { frameBytes } from './pressures.ts'
import type { Frame, ScriptedSocket, SocketHost } from './sockets.ts'
import { refusedWith, type HookFrame, type HookName } from './stage.ts'
import type { Payloads } from './expected-events.ts'
import type { World } from './world.ts'

/** A listener besides the one that hears everything. */
interface FurtherListener {
  readonly event: EventName
  readonly off: () => void
  /** How many events there had been when it was registered. */
  readonly before: number
  calls: number
}

/**
 * All user code, which the manager calls: sockets, transports, serialization, `authorize`, listeners. Each does as
 * it was told to: calls the manager in its turn, then answers, throws or rejects.
 */
export class UserCode implements SocketHost {
  readonly #world: World
  readonly #nextFrames: Reaction[] = []
  readonly #nextRecords: Reaction[] = []
  readonly #nextSkips: Reaction[] = []
  readonly #nextHeard = new Map<EventName, Reaction[]>()
  readonly #heard = new Map<EventName, number>()
  readonly #further: FurtherListener[] = []

  constructor(world: World) {
    this.#world = world
  }

  // What it is told to do

  /** What a socket is to do at one of its next calls. */
  arm(socket: ScriptedSocket, when: 'nextSends' | 'nextCloses', reaction: Reaction): void {
    socket[when].push(reaction)
    this.#world.trace.say(
      () =>
        `// ${socket.name} will ${reaction.answer} at its next ${when === 'nextSends' ? 'send' : 'close'}${reaction.meanwhile.length > 0 ? ', and do more' : ''}`,
    )
  }

  armFrame(reaction: Reaction): void {
    this.#nextFrames.push(reaction)
  }

  armRecorder(method: 'record' | 'skip', reaction: Reaction): void {
    if (method === 'record') this.#nextRecords.push(reaction)
    else this.#nextSkips.push(reaction)
  }

  armListener(event: EventName, reaction: Reaction): void {
    this.#nextHeard.set(event, [...(this.#nextHeard.get(event) ?? []), reaction])
  }

  /** Lets it do no more than it is asked to, and that well; how sockets close stays as it was to be. */
  disarm(): void {
    this.#world.notices.disarm()
    for (const reactions of [this.#nextFrames, this.#nextRecords, this.#nextSkips]) reactions.length = 0
    this.#nextHeard.clear()
    for (const { nextSends, nextCloses } of this.#world.sockets) {
      nextSends.length = 0
      nextCloses.splice(0, nextCloses.length, ...nextCloses.map(({ answer }) => ({ answer, meanwhile: [] })))
    }
  }

  listen(event: EventName): void {
    const off = this.#world.manager.on(event, () => void listener.calls++)
    const listener: FurtherListener = { event, off, before: this.#timesHeard(event), calls: 0 }
    this.#further.push(listener)
  }

  unlisten(): void {
    this.#further.shift()?.off()
  }

  /** Further listeners get the same events as the first. */
  checkListeners(): void {
    for (const { event, before, calls } of this.#further)
      this.#world.expect(`how many ${event} a further listener got`, calls, this.#timesHeard(event) - before)
  }

  // Sockets and their transports

  sent(socket: ScriptedSocket, data: string | Uint8Array): unknown {
    const { ledger } = this.#world
    const connection = this.#connectionOf(socket, 'sent to')
    if (connection === undefined) return undefined
    const text = this.#read(data, connection)
    const handed = [ledger.hand(connection, text)]
    connection.handingOn++
    try {
      const answer = this.#hook('send', connection, handed, socket.nextSends.shift())
      this.#accepted(connection, handed, 1, answer)
      return answer
    } catch (error) {
      if (isOwnRefusal(error)) ledger.accept(handed, 1)
      else this.#failed(connection, handed)
      throw error
    } finally {
      connection.handingOn--
      if (socket.kind === 'plain') ledger.served(handed)
    }
  }

  written(socket: ScriptedSocket, frames: readonly unknown[]): unknown {
    const connection = this.#connectionOf(socket, 'written to')
    if (connection === undefined) return undefined
    if (frames.length === 0) this.#world.complain(`${socket.name} was written nothing`)
    const handed = frames.map((frame) => this.#world.ledger.hand(connection, this.#read(this.#dataIn(frame, socket), connection)))
    connection.handingOn++
    try {
      const answer = this.#hook('write', connection, handed, socket.nextSends.shift())
      const accepted = answer === undefined ? Math.min(socket.accepts ?? Infinity, frames.length) : frames.length
      this.#accepted(connection, handed, accepted, answer)
      return answer ?? (socket.accepts === undefined ? undefined : accepted)
    } catch (error) {
      this.#failed(connection, handed)
      throw error
    } finally {
      connection.handingOn--
    }
  }

  framed(data: string | Uint8Array): Frame {
    this.#world.observe()
    const text = textOf(data)
    if (droppedGapIn(text) !== undefined) return frameOf(data)
    const delivery = this.#world.ledger.framed(text)
    if (delivery !== undefined && ++delivery.timesFramed > 1)
      this.#world.complain(`${nameOf(delivery)} was framed ${delivery.timesFramed} times`)
    try {
      this.#hook('frame', undefined, delivery === undefined ? [] : [delivery], this.#nextFrames.shift())
    } catch (error) {
      if (delivery !== undefined) this.#world.ledger.unframed(delivery)
      this.#world.events.expectError('transport')
      throw error
    }
    return frameOf(data)
  }

  closing(socket: ScriptedSocket, reason: CloseReason | undefined, told: CloseDetails | undefined): unknown {
    const { ledger, closings } = this.#world
    const connection = this.#connectionOf(socket, 'closed')
    socket.closeCalls++
    if (connection === undefined) return undefined
    this.#checkTold(connection, told)
    if (this.#isRefusedForItsCode(connection, reason, told)) throw new Error('no such code')
    if (connection.isLive) this.#world.complain(`${socket.name} was closed while its connection is there`)
    if (reason !== undefined && !connection.reasons.includes(reason))
      this.#world.complain(`${socket.name} was closed as ${reason}, expected ${connection.reasons.join(' or ')}`)
    ledger.closed(connection)
    const reaction = socket.nextCloses.shift()
    const closing = closings.begun(connection, reaction?.answer ?? 'ok')
    try {
      return this.#hook('close', connection, [], reaction)
    } finally {
      closing.isRunning = false
    }
  }

  /** What the host wants the peer to be told comes with the close. A slow consumer is told so by the manager, unless its transport closes it. */
  #checkTold({ socket, toldAtClose, reasons, wasRefusedACode }: ConnectionFact, told: CloseDetails | undefined): void {
    const { kind, name } = socket
    const expected = [toldAtClose, ...(reasons.includes('slow-consumer') && kind !== 'framed' ? [SLOW_CONSUMER] : [])].map(wordsOf)
    const isAgain = wasRefusedACode && told === undefined
    const isRight = isAgain || (reasons.length === 1 && expected.length === 2 ? wordsOf(told) === expected[1] : expected.includes(wordsOf(told)))
    if (!isRight) this.#world.complain(`${name} was closed with ${wordsOf(told)}, expected ${expected.join(' or ')}`)
  }

  /** A socket may not take a code. Then it is closed without. */
  #isRefusedForItsCode(connection: ConnectionFact, reason: CloseReason | undefined, told: CloseDetails | undefined): boolean {
    const { nextCloses } = connection.socket
    if (reason !== undefined || told === undefined || nextCloses[0]?.answer !== 'throw') return false
    nextCloses.shift()
    connection.wasRefusedACode = true
    if (connection.toldAtClose !== undefined) this.#world.events.expectError('close')
    return true
  }

  terminated(socket: ScriptedSocket): void {
    const connection = this.#connectionOf(socket, 'terminated')
    const isAtOnce = socket.closeCalls === 0
    if (isAtOnce && connection !== undefined && !this.#world.pressures.isOver(connection)) this.#world.complain(`${socket.name} was terminated, and had room`)
    socket.terminations++
    if (connection?.isLive === true) this.#world.complain(`${socket.name} was terminated while its connection is there`)
  }

  // Serialization, authorization, listeners

  /** A message's data, or the manager's serializer, is asked for the message's text. */
  serializing(delivery: Delivery, meanwhile: readonly Operation[]): void {
    this.#world.observe()
    delivery.timesSerialized++
    this.#hook('serialize', undefined, [delivery], { answer: 'ok', meanwhile }, delivery.isRecorded)
    delivery.serialized()
  }

  /** The recorder is asked for a message's text. */
  recording(message: StreamMessage<unknown, string>, text: string): unknown {
    this.#world.observe()
    const { ledger, updates } = this.#world
    const found = ledger.record(text)
    if (found === undefined) return text
    const { delivery, wasDeferred } = found
    const { stream, userId } = delivery
    if (!isShallowlyEqual({ ...stream, userId }, { streamType: message.streamType, symbol: message.symbol, userId: message.userId }))
      this.#world.complain(`${nameOf(delivery)} was recorded as another message`)
    try {
      const answer = this.#hook('record', undefined, [delivery], this.#nextRecords.shift())
      if (answer !== undefined) this.#unrecorded(delivery, wasDeferred)
      if (answer !== undefined) return answer
    } catch (error) {
      this.#unrecorded(delivery, wasDeferred)
      throw error
    }
    ledger.recorded(delivery, `${text} recorded`)
    if (!wasDeferred) delivery.served = updates.servedBy(delivery)
    return delivery.text
  }

  /** The recorder is asked what those are told whom a message left out. */
  skipping(text: string): unknown {
    this.#world.observe()
    const { ledger, events } = this.#world
    const delivery = ledger.skip(text)
    if (delivery === undefined) return text
    try {
      const answer = this.#hook('skip', undefined, [delivery], this.#nextSkips.shift())
      if (answer !== undefined) events.expectError('recorder')
      if (answer !== undefined) ledger.skipped(delivery)
      if (answer !== undefined) return answer
    } catch (error) {
      events.expectError('recorder')
      ledger.skipped(delivery)
      throw error
    }
    const number = ledger.deliveries.length + 1
    const { stream, userId } = delivery
    const skip = { number, way: 'skip' as const, stream, userId, target: undefined, audience: ledger.skipped(delivery), text: `#${number} left out of ${delivery.number}` }
    return ledger.announceNow(skip, delivery).text
  }

  /** `serializeNotice` is asked for what a notice is on the wire. */
  makingNotice(notice: Notice): unknown {
    this.#world.observe()
    return this.#world.notices.making(notice)
  }

  /** Does what it is to do while it makes a notice: for a newcomer, or else for a call, before anything is delivered. */
  duringNotice(reaction: Reaction | undefined, newcomer: ConnectionFact | undefined): unknown {
    return this.#hook('notice', newcomer, [], reaction, newcomer === undefined)
  }

  #unrecorded(delivery: Delivery, wasDeferred: boolean): void {
    const { events, ledger, stage } = this.#world
    const call = stage.callOf(delivery)
    ledger.unrecorded(delivery)
    if (wasDeferred) events.expectError('recorder')
    else if (call !== undefined) call.verdict = refusedWith('ERR_UNSERIALIZABLE')
  }

  authorizing(request: object): unknown {
    this.#world.observe()
    const { asking, moving } = this.#world.stage.call ?? {}
    if (moving !== undefined) return this.#authorizingMove(moving, request as AuthorizationRequest<ScriptedSocket, Streams>)
    if (asking === undefined) return void this.#world.complain('authorize was called without a subscription')
    asking.timesAsked++
    const { userId, streamType, symbol, filters, connection } = asking
    const { filters: askedFilters, ...asked } = request as { filters: unknown }
    const expected = { userId, streamType, symbol, ...(connection && { connection: connection.handle }) }
    const isRight =
      isShallowlyEqual(asked, expected) && JSON.stringify(askedFilters) === JSON.stringify(filters) && Object.isFrozen(request)
    if (!isRight) this.#world.complain(`authorize was called for something else than ${JSON.stringify({ userId, streamType, symbol, filters })}`)
    const frame: HookFrame = { kind: 'hook', name: 'authorize', connection, delivery: undefined }
    return this.#world.stage.within(frame, () => this.#world.trace.within(() => asking.answer()))
  }

  /** `reassign` asks for the public streams that matter to the connection: those that it holds, and those that wait. */
  #authorizingMove(moving: Moving, request: AuthorizationRequest<ScriptedSocket, Streams>): unknown {
    const { connection, userId, held } = moving
    const { streamType, symbol, filters, ...asked } = request
    const stream: Stream = { streamType, symbol }
    const text = JSON.stringify(filters)
    const isRight = isShallowlyEqual(asked, { userId, connection: connection.handle }) && Object.isFrozen(request)
    const isHeldSo = held.get(keyOf(stream))?.has(text) ?? text === undefined
    if (!isRight || !isHeldSo || !moving.mattered.has(keyOf(stream)) || isPrivate(stream) || moving.wasAsked(stream))
      this.#world.complain(`reassign called authorize for ${JSON.stringify({ ...asked, streamType, symbol, filters })}`)
    const frame: HookFrame = { kind: 'hook', name: 'authorize', connection, delivery: undefined }
    return this.#world.stage.within(frame, () => this.#world.trace.within(() => moving.ask(stream)))
  }

  hearing<TName extends EventName>(event: TName, payload: Payloads[TName]): unknown {
    this.#world.observe()
    this.#heard.set(event, this.#timesHeard(event) + 1)
    this.#world.trace.say(() => `// ${event}`)
    if (this.#world.stage.isInBatch) this.#world.complain(`${event} was emitted in the middle of a batch`)
    this.#world.events.hear(event, payload)
    if ('stage' in payload && payload.stage === 'close' && isOfRejection(payload.error) && payload.connection !== undefined)
      this.#world.closings.rejectionTold(payload.connection.socket)
    try {
      const answer = this.#hook('listener', undefined, [], this.#nextHeard.get(event)?.shift())
      if (isRejecting(answer)) this.#expectListenerError(event)
      return answer
    } catch (error) {
      this.#expectListenerError(event)
      throw error
    }
  }

  // How a hook is run

  #hook(
    name: HookName,
    connection: ConnectionFact | undefined,
    about: readonly (Handed | Delivery)[],
    reaction: Reaction | undefined,
    isBeforehand = false,
  ): unknown {
    const { stage, trace } = this.#world
    const delivery = about.map(deliveryOf).find((each) => each !== undefined)
    if (name !== 'listener')
      trace.say(() => `// ${connection === undefined ? '' : `${connection.socket.name}.`}${name}(${about.map(describeTexts).join(', ')})`)
    if (reaction === undefined) return undefined
    const frame: HookFrame = { kind: 'hook', name, connection, delivery, isBeforehand }
    return stage.within(frame, () => trace.within(() => this.#react(name, reaction)))
  }

  #react(name: HookName, { answer, meanwhile }: Reaction): unknown {
    const refusal = this.#world.carryOut(meanwhile)
    this.#world.tally.noteBehaviour(name, answer)
    if (answer !== 'ok') this.#world.trace.say(() => `// ${answer}`)
    return answered(answer, refusal)
  }

  #connectionOf(socket: ScriptedSocket, what: string): ConnectionFact | undefined {
    this.#world.observe()
    if (socket.connection === undefined) this.#world.complain(`${socket.name} was ${what}, and is nobody's`)
    return socket.connection
  }

  /** The text that a connection is handed, which may be so as bytes. */
  #read(data: string | Uint8Array, { socket }: ConnectionFact): string {
    const { ledger, setting } = this.#world
    const text = textOf(data)
    const isToBeBytes = droppedGapIn(text) === undefined ? ledger.deliveryOf(text)?.isBytes : text.startsWith('gap ') && setting.form === 'bytes'
    if (isToBeBytes !== undefined && isToBeBytes !== (typeof data !== 'string')) this.#world.complain(`${socket.name} was handed ${typeof data === 'string' ? 'a text' : 'bytes'}: ${text}`)
    return text
  }

  #dataIn(frame: unknown, { kind, name }: ScriptedSocket): string | Uint8Array {
    const isFramed = typeof frame === 'object' && frame !== null && 'framed' in frame
    if (isFramed !== (kind === 'framed')) this.#world.complain(`${name} was written what is not of its transport`)
    return (isFramed ? frame.framed : frame) as string | Uint8Array
  }

  #accepted(connection: ConnectionFact, handed: readonly Handed[], accepted: number, answer: unknown): void {
    this.#world.ledger.accept(handed, accepted)
    this.#world.tally.deliveries += accepted
    if (!isRejecting(answer)) return
    for (const each of handed) if (each !== undefined && 'receipt' in each) each.receipt.wasRejected = true
    connection.hasFailed = true
    this.#world.events.expectError('send')
  }

  #failed(connection: ConnectionFact, handed: readonly Handed[]): void {
    this.#world.ledger.fail(handed)
    connection.hasFailed = true
    this.#world.events.expectError('send')
  }

  /** Errors of error listeners are swallowed. */
  #expectListenerError(event: EventName): void {
    if (event !== 'error') this.#world.events.expectError('listener')
  }

  #timesHeard(event: EventName): number {
    return this.#heard.get(event) ?? 0
  }
}

/** What the manager tells a slow consumer. */
const SLOW_CONSUMER: CloseDetails = { code: 1013, reason: 'slow consumer' }

function wordsOf(told: CloseDetails | undefined): string {
  return told === undefined ? 'nothing' : `${told.code} ${JSON.stringify(told.reason)}`
}

/** A refused publish is not the fault of the socket that passes it on. */
function isOwnRefusal(error: unknown): boolean {
  return error instanceof ConnectionManagerError && error.code === 'ERR_PUBLISH_DEPTH'
}

function frameOf(data: string | Uint8Array): Frame {
  return { framed: data, byteLength: frameBytes(data) }
}

const [DECODER, ENCODER] = [new TextDecoder(), new TextEncoder()]

function textOf(data: string | Uint8Array): string {
  return typeof data === 'string' ? data : DECODER.decode(data)
}

/** What goes on the wire for a text: the text, or its bytes. */
export function wireOf(text: string, isBytes: boolean): string | Uint8Array {
  return isBytes ? ENCODER.encode(text) : text
}

const REJECTION = 'broken later'

function isOfRejection(error: unknown): boolean {
  return error instanceof Error && error.message === REJECTION
}

const rejecting = new WeakSet<object>()

function isRejecting(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && rejecting.has(answer)
}

function answered(answer: Answer, refusal: Error | undefined): unknown {
  switch (answer) {
    case 'ok':
      return undefined
    case 'throw':
      throw new Error('broken')
    case 'passOn':
      if (refusal !== undefined) throw refusal
      return undefined
    case 'resolve':
      return Promise.resolve()
    case 'hang':
      return new Promise(() => {})
    case 'reject': {
      const rejection = Promise.reject(new Error(REJECTION))
      rejecting.add(rejection)
      return rejection
    }
  }
}

function describeTexts(about: Handed | Delivery): string {
  if (about === undefined) return 'what it was not to get'
  if ('gap' in about) return `notice of ${about.gap.dropped} missing of ${about.gap.key}`
  return nameOf('receipt' in about ? about.receipt.delivery : about)
}

function deliveryOf(about: Handed | Delivery): Delivery | undefined {
  if (about === undefined || 'gap' in about) return undefined
  return 'receipt' in about ? about.receipt.delivery : about
}

export function isShallowlyEqual(a: object, b: object): boolean {
  const [one, other] = [Object.entries(a), Object.entries(b)]
  return one.length === other.length && one.every(([name, value]) => Object.is(value, (b as Record<string, unknown>)[name]))
}
