import type { StreamMessage } from '../../../src/index.ts'
import type { SnapshotStream } from '../../../src/recovery/index.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { isLatest, isPrivate, streamName, streams, type Stream, type TypeName } from './catalogue.ts'
import { Client } from './client.ts'
import { HistoryModel, isFor, type ChannelModel, type Entry } from './history.ts'
import { newest, proofFor, type Proof } from './proof.ts'
import { startServer, type Manager, type Server } from './server.ts'
import type { Settings } from './settings.ts'
import type { Answer, Kept } from './view.ts'

export const USERS = ['ann', 'bob', 'cid']
const CLIENTS = 7
/** What marks a text as a snapshot. */
const SNAPSHOT_UNITS = ',"snapshot":true'.length

/** What the host's `snapshot` does next. */
type SnapshotMode = 'book' | 'nothing' | 'throw' | 'publish'

/** What a client asks, and what it is answered. */
interface Question {
  readonly client: Client
  readonly answer: Answer
}

/** A server with its clients, and beside it the plain list of all that was published. */
export class World {
  readonly settings: Settings
  readonly clock = new ManualClock()
  readonly history: HistoryModel
  readonly clients: Client[]
  readonly tally: Record<string, number> = {}
  /** The first thing that is wrong. */
  fault: string | undefined
  /** What happened, if it is kept. */
  readonly trace: string[] | undefined
  server: Server
  /** How many of the server's calls of user code we are in. */
  depth = 0
  snapshotMode: SnapshotMode = 'book'
  /** The message whose `stamp` throws. */
  unstampable: { readonly stream: Stream; readonly userId: string } | undefined
  #contents = 0
  #epochs = 0
  #ids = 0
  readonly #asking: Question[] = []
  /** How many messages were sent again. */
  #repeated = 0

  constructor(settings: Settings, isTraced: boolean) {
    this.settings = settings
    this.trace = isTraced ? [] : undefined
    this.history = new HistoryModel(settings.limits)
    this.clients = Array.from({ length: CLIENTS }, (_, i) => new Client(`c${i}`, USERS[i % USERS.length] as string, this.history, this.complain))
    this.server = this.start()
  }

  readonly complain = (problem: string): void => {
    this.say(() => `FAULT ${problem}`)
    this.fault ??= problem
  }

  say(text: () => string): void {
    this.trace?.push(`${'  '.repeat(this.depth)}${text()}`)
  }

  note(name: string, count = 1): void {
    this.tally[name] = (this.tally[name] ?? 0) + count
  }

  get nowMs(): number {
    return this.clock.monotonic()
  }

  start(restore?: string): Server {
    const server = startServer(this.settings, this.clock, this, restore)
    this.#listenTo(server.manager)
    return server
  }

  // What the server calls

  randomEpoch(): string {
    return `e${++this.#epochs}`
  }

  stamping(text: string): void {
    if (this.unstampable === undefined) return
    this.history.failed(contentOf(text))
    // Its channel is in use from now on.
    this.history.use(this.unstampable.stream, this.unstampable.userId, this.nowMs)
    this.unstampable = undefined
    throw new Error('no stamp')
  }

  revoked({ streamType, symbol, userId }: { readonly userId: string | undefined; readonly streamType: string | undefined; readonly symbol: string | undefined }): void {
    this.history.revoke(userId, streamType, symbol, this.nowMs)
  }

  recorded({ streamType, symbol, userId = '' }: StreamMessage<unknown, string>, text: string, stamped: string): void {
    const { data, epoch, seq } = JSON.parse(stamped) as { data: { n: number }; epoch: string; seq: number }
    const stream = { streamType: streamType as TypeName, symbol }
    const units = stamped.length + (this.settings.isCustom && isLatest(stream) ? text.length : 0)
    const problem = this.history.add({ stream, userId, epoch, seq, content: data.n, units, textUnits: stamped.length }, this.nowMs)
    this.say(() => `  numbered ${epoch}:${seq}`)
    this.note('messages')
    if (problem !== undefined) this.complain(problem)
  }

  snapshot({ streamType, symbol, userId = '' }: SnapshotStream): unknown {
    const stream = { streamType: streamType as TypeName, symbol }
    const mode = this.snapshotMode
    if (mode === 'publish' && this.depth === 0 && (symbol !== undefined || streams[stream.streamType].symbol !== 'required')) this.publish(stream, userId, 5)
    const answer = this.#asking.at(-1)?.answer
    if (answer !== undefined) {
      answer.hasPublished ||= mode === 'publish'
      answer.publishedBefore = this.history.entries.length
      answer.present = this.#presentOf(answer.channel, stream, answer.floor)
    }
    if (mode === 'throw') throw new Error('no book')
    // A newer message of a latest stream would take the place of a book that waits.
    if (mode === 'nothing' || isLatest(stream)) return undefined
    if (answer !== undefined) answer.hasBook = true
    return { book: this.history.entries.length }
  }

  #listenTo(manager: Manager): void {
    const setActive = (isActive: boolean) => ({ streamType, symbol, userId = '' }: { streamType: TypeName; symbol: string | undefined; userId?: string | undefined }) => {
      if (this.server === undefined || this.server.manager === manager) this.history.setActive({ streamType, symbol }, userId, isActive, this.nowMs)
    }
    manager.on('streamActive', setActive(true))
    manager.on('streamIdle', setActive(false))
    manager.on('connectionRemoved', ({ connection, reason }) => {
      const client = this.clients.find((each) => each.connection === connection)
      if (client === undefined) return
      this.say(() => `${client.name} is removed: ${reason}`)
      this.note(reason)
      client.read(Math.floor(client.unread / 2))
      client.cut()
    })
  }

  // What the host does

  publish(stream: Stream, userId: string, padding: number, how: { readonly except?: Client | undefined; readonly data?: (content: number) => unknown } = {}): void {
    const content = ++this.#contents
    const { data = (n: number) => ({ n, pad: 'x'.repeat(padding) }), except } = how
    const message = { ...stream, data: data(content), ...(isPrivate(stream) && { userId }) }
    this.say(() => `publish ${streamName(stream)}${isPrivate(stream) ? ` for ${userId}` : ''} #${content}${except === undefined ? '' : ` except ${except.name}`}`)
    this.history.published(content)
    try {
      this.server.manager.publish(message as never, except?.connection === undefined ? undefined : { except: except.connection })
    } catch (error) {
      this.history.failed(content)
      this.note('failedPublishes')
      this.say(() => `  failed: ${(error as Error).message}`)
    }
  }

  /** Subscribes a client, with a position of its own or with any text. */
  subscribe(client: Client, stream: Stream, asked: { readonly text: string; readonly kept?: Kept } | undefined): void {
    const { connection, userId } = client
    // In a batch, the listeners of a removal are called when it ends.
    if (connection === undefined || connection.removed) return
    const proof = asked === undefined ? undefined : this.#proofFor(client, stream, asked.text)
    const answer = this.#answerFor(client, stream, asked, proof)
    this.say(() => `${client.name} (${userId}) subscribes ${streamName(stream)}${asked === undefined ? '' : ` at ${asked.text}`}`)
    client.asks(answer)
    const spent = { ...client.spent }
    let isWaiting = false
    this.#ask({ client, answer }, () => {
      const { recovered, replayed, deferred } = this.server.recovery.subscribe(connection, { ...stream, position: asked?.text, id: answer.id } as never)
      isWaiting = deferred
      if (!deferred) Object.assign(answer, { recovered, replayed })
      else if (recovered === true || replayed > 0) this.complain(`recovered: ${String(recovered)}, ${replayed} replayed, before anything was sent`)
    })
    if (isWaiting) this.say(() => '  which is answered in its turn')
    else this.#judge(client, answer, proof, spent)
  }

  #ask(question: Question, act: () => void): void {
    this.#asking.push(question)
    try {
      act()
    } catch (error) {
      this.complain(`subscribe throws: ${String((error as Error).stack)}`)
    } finally {
      this.#asking.pop()
    }
  }

  leavingOut(): void {
    const answer = this.#asking.at(-1)?.answer
    if (answer !== undefined) answer.leftOutUntil = this.#contents
    this.note('left out')
  }

  repeated(): void {
    this.#repeated++
  }

  waiting(give: () => void): () => void {
    const question = this.#asking.at(-1) as Question
    const { connection } = question.client
    return () => (question.client.connection === connection ? this.#answerInTurn(question, give) : give())
  }

  /** What is true is what is true now, and not what was when the client asked. */
  #answerInTurn(question: Question, give: () => void): void {
    const { client, answer } = question
    const { asked, stream } = answer
    const proof = asked === undefined ? undefined : this.#proofFor(client, stream, asked)
    const { channel, floor, missed, present, publishedBefore } = this.#answerFor(client, stream, undefined, proof)
    Object.assign(answer, { channel, floor, missed, present, publishedBefore, leftOutUntil: undefined })
    const [spent, repeatedBefore, { resumes: before }] = [{ ...client.spent }, this.#repeated, this.server.recovery.stats()]
    // It may have ended, and the client may have subscribed again since: then this answer is about the subscription of now.
    if (client.holds(stream)) answer.endsAt = Infinity
    const hasEnded = answer.endsAt !== Infinity
    this.say(() => `${client.name}’s turn for ${streamName(stream)}`)
    this.#ask(question, () => {
      // The client may read the notice before the call returns.
      answer.recovered = undefined
      give()
    })
    const { resumes } = this.server.recovery.stats()
    answer.recovered = resumes.recovered > before.recovered ? true : asked === undefined ? null : false
    answer.replayed = this.#repeated - repeatedBefore
    this.note('answered in turn')
    this.#judge(client, answer, proof, spent)
    // Nothing is sent again of a subscription that has ended.
    if (hasEnded) client.spent = spent
  }

  #proofFor({ userId }: Client, stream: Stream, text: string): Proof {
    const channel = this.history.use(stream, userId, this.nowMs)
    return proofFor(this.history, channel, stream, text, this.history.floorOf(stream, userId, this.nowMs))
  }

  #answerFor({ userId }: Client, stream: Stream, asked: { readonly text: string; readonly kept?: Kept } | undefined, proof: Proof | undefined): Answer {
    const { delivery, symbol } = streams[stream.streamType]
    const channel = this.history.use(stream, userId, this.nowMs)
    const floor = this.history.floorOf(stream, userId, this.nowMs)
    return {
      id: ++this.#ids,
      stream,
      userId,
      channel,
      asked: asked?.text,
      kept: asked?.kept?.channel === channel ? asked.kept : undefined,
      publishedBefore: this.history.entries.length,
      floor,
      contiguous: delivery === 'every' && (symbol !== 'optional' || stream.symbol === undefined),
      present: this.#presentOf(channel, stream, floor),
      missed: proof?.missed ?? [],
      hasPublished: false,
      leftOutUntil: undefined,
      hasBook: false,
      recovered: undefined,
      replayed: 0,
      endsAt: Infinity,
    }
  }

  #presentOf(channel: ChannelModel, stream: Stream, floor: number): Entry[] {
    if (!isLatest(stream)) return []
    return newest(this.history.of(channel, stream)).filter((each) => each.index >= floor && this.history.isHeld(each))
  }

  /** Holds an answer against what the list says. */
  #judge(client: Client, answer: Answer, proof: Proof | undefined, spent: { readonly count: number; readonly units: number }): void {
    const { present, recovered, replayed, stream } = answer
    this.say(() => `  recovered: ${String(recovered)}, ${replayed} replayed`)
    this.note(`recovered ${String(recovered)}`)
    const fits = (entries: readonly Entry[], mark = 0): boolean =>
      spent.count + entries.length <= this.settings.replay.count && spent.units + unitsOf(entries, mark) <= this.settings.replay.units
    // What an outer subscribe spends is counted when it ends.
    const isHeld = answer.endsAt === Infinity && client.connection?.removed === false && this.#asking.length === 0
    const where = `${client.name}: ${streamName(stream)} at ${String(answer.asked)}`
    if (proof === undefined && recovered !== null) this.complain(`${where}: recovered is ${String(recovered)} for a newcomer`)
    if (proof !== undefined && recovered === null) this.complain(`${where}: recovered is null`)
    const missed = proof?.missed ?? []
    if (recovered === true && answer.kept !== undefined) this.#judgeTruth(where, answer, answer.kept)
    if (recovered === true) {
      if (answer.leftOutUntil !== undefined) this.complain(`${where}: recovered, although a message will not come`)
      if (proof?.isProven === false) this.complain(`${where}: recovered, which cannot be proven`)
      if (isHeld && !fits(missed)) this.complain(`${where}: ${missed.length} more replays than the connection may have, after ${spent.count}`)
      if (missed.some((each) => !isFor(each, client.userId))) this.complain(`${where}: another user's`)
    } else if (isHeld && proof?.isProven === true && answer.leftOutUntil === undefined && fits(missed)) this.complain(`${where}: not recovered, although ${missed.length} messages are held`)
    const mark = recovered === true ? 0 : SNAPSHOT_UNITS
    const sent = recovered === true ? missed : fits(present, mark) ? present : []
    const count = sent.length + (answer.hasBook && recovered !== true && spent.count < this.settings.replay.count ? 1 : 0)
    if (replayed !== count && isHeld) this.complain(`${where}: ${replayed} replays instead of ${count}`)
    // Within another subscribe, that one may have spent the allowance.
    if (this.#asking.length > 0 && replayed === 0) return
    client.spent.count += count
    client.spent.units += unitsOf(sent, mark)
  }

  /** Whatever the numbers say: what the client has not got is what it must be sent. */
  #judgeTruth(where: string, { channel, missed, publishedBefore, stream }: Answer, { have, owedFrom }: Kept): void {
    const all = this.history.of(channel, stream).filter(({ index }) => index < publishedBefore)
    const present = isLatest(stream) ? newest(all) : all
    const owed = present.filter((each) => each.index > (have.get(each.stream.symbol) ?? owedFrom - 1))
    const [is, expected] = [missed, owed].map((entries) => entries.map(({ epoch, seq }) => `${epoch}:${seq}`).join(', '))
    if (is !== expected) this.complain(`${where}: recovered with ${is || 'nothing'}, and the client lacks ${expected || 'nothing'}`)
  }

  revoke(userId: string | undefined, streamType: TypeName | undefined, symbol: string | undefined): void {
    this.say(() => `revoke ${String(userId)} ${String(streamType)} ${String(symbol)}`)
    this.server.manager.revoke({ userId, streamType, symbol } as never)
    for (const client of this.clients) {
      if (userId !== undefined && client.userId !== userId) continue
      client.end((stream) => (streamType ?? stream.streamType) === stream.streamType && (symbol === undefined || stream.symbol === symbol || isWhole(stream)))
    }
  }

  /** The next text that a client's socket is sent makes something happen in the middle of it. */
  arm(client: Client, act: () => void): void {
    const { socket } = client
    if (socket === undefined) return
    socket.script.send = () => {
      socket.script.send = undefined
      this.inside(act)
    }
  }

  /** Does something from within user code. */
  inside(act: () => void): void {
    if (this.depth >= 3) return
    this.depth++
    try {
      act()
    } finally {
      this.depth--
    }
  }
}

function contentOf(text: string): number {
  return (JSON.parse(text) as { data: { n: number } }).data.n
}

function isWhole({ streamType, symbol }: Stream): boolean {
  return symbol === undefined && streams[streamType].symbol === 'optional'
}

/** @param mark what each text is longer when it is sent again */
function unitsOf(entries: readonly Entry[], mark = 0): number {
  return entries.reduce((sum, { textUnits }) => sum + textUnits + mark, 0)
}
