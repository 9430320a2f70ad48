import type { CloseDetails, PublishableMessage, PublishResult, Stats, StreamReference } from '../../index.ts'
import { streamKey, subscriptionKey } from '../../model/keys.ts'
import type { HostCounts, RunningHost } from '../host.ts'
import { needed } from './capabilities.ts'
import { book, books, trade, trades } from './messages.ts'
import { describe, type Patience } from './patience.ts'
import type { Promised } from './reception.ts'
import { TrialClient } from './trial-client.ts'

/**
 * The symbol of the markers. A marker is a trade that the test publishes after other messages. A client that has received the last marker has also
 * received all messages before it, except messages that a newer message of a `latest` stream replaced.
 */
const MARKER = 'MARKER'

/** The host under test, and the clients that should be connected to it. */
export class TrialHost {
  readonly #running: RunningHost
  readonly #patience: Patience
  #clients: TrialClient[] = []
  /** All clients that were ever connected. */
  readonly #allClients: TrialClient[] = []
  #markers = 0
  #fences = 0

  constructor(running: RunningHost, patience: Patience) {
    this.#running = running
    this.#patience = patience
  }

  /** How many texts all clients have received, including clients that are no longer connected. */
  get receivedCount(): number {
    return this.#allClients.reduce((sum, { receivedCount }) => sum + receivedCount, 0)
  }

  connect(userId: string, ...streams: readonly StreamReference[]): Promise<TrialClient> {
    return this.#connect(userId, [...streams, trades(MARKER)])
  }

  /** Connects a client that may fall behind, so that `latest` streams may conflate. */
  connectForPressure(userId: string, ...streams: readonly StreamReference[]): Promise<TrialClient> {
    return this.#connect(userId, [...streams, trades(MARKER)], 'under pressure')
  }

  /**
   * Connects a client that subscribes to these streams, but not to the markers. So `delivers` does not prove that this client receives nothing else.
   */
  connectWithoutMarker(userId: string, ...streams: readonly StreamReference[]): Promise<TrialClient> {
    return this.#connect(userId, streams)
  }

  /** Connects a client that leaves before the server has accepted it. Afterwards, the test does not expect the client to be connected. */
  connectAndLeave(userId: string, ...streams: readonly StreamReference[]): Promise<void> {
    const connectAndLeave = needed('connectAndLeave', this.#running)
    return this.#patience.within(`a client (${userId}) connects and leaves`, connectAndLeave(userId, streams))
  }

  /** Lets one interval of the host's heartbeat pass. */
  beat(): Promise<void> {
    return this.#patience.within('the heartbeat passes', needed('beat', this.#running)())
  }

  /**
   * Lets one interval of the heartbeat pass if the harness has a `beat`. Some hosts notice a broken connection only by their heartbeat.
   */
  async beatIfPossible(): Promise<void> {
    if (this.#running.beat !== undefined) await this.beat()
  }

  /** From now on, the test does not expect these clients to be connected. */
  expectGone(...clients: readonly TrialClient[]): void {
    this.#clients = this.#clients.filter((client) => !clients.includes(client))
  }

  /** Publishes within one turn, and checks that the manager counts the right number of recipients for each message. */
  async publish(...messages: readonly PublishableMessage[]): Promise<void> {
    const recipients = messages.map((message) => this.#expect(message, (client) => client.isRecipientOf(message)))
    assertMatched(await this.#publish(messages), recipients)
  }

  /** Publishes without checking the number of recipients, for tests that do not know which clients are still connected. */
  async publishUnchecked(...messages: readonly PublishableMessage[]): Promise<void> {
    for (const message of messages) this.#expect(message, (client) => client.isRecipientOf(message))
    await this.#publish(messages)
  }

  async sendToUser(userId: string, message: PublishableMessage): Promise<void> {
    const recipients = this.#expect(message, (client) => client.userId === userId)
    const result = await this.#patience.within(`the manager sends to ${userId}`, this.#running.manager.sendToUser(userId, message))
    assertMatched([result], [recipients])
  }

  /** Waits until the server has carried out all requests of a client. */
  async carriesOutRequests(client: TrialClient): Promise<void> {
    if (!(await this.#carriesOutRequests(client))) throw new Error(`Expected that ${client.label} stays connected, but it was disconnected`)
  }

  /** Waits until the server has carried out all requests of a client, or has disconnected the client because of them. */
  async carriesOutRequestsOrDisconnects(client: TrialClient): Promise<void> {
    if (!(await this.#carriesOutRequests(client))) this.expectGone(client)
  }

  /**
   * Subscribes the client to a new stream, and waits for this subscription. The server carries out requests in order, so it has then carried out all
   * earlier requests. Returns false if the client is disconnected instead.
   */
  async #carriesOutRequests(client: TrialClient): Promise<boolean> {
    const fence = `FENCE ${++this.#fences}`
    const message = book(fence, 1)
    await client.subscribe(books(fence))
    const matched = await this.#patience.until(`the server carries out what ${client.label} asks for`, {
      look: async () => (await this.#publish([message]))[0]?.matched,
      isAsExpected: (count) => count === 1 || client.hasEnded,
    })
    if (matched === 1) client.expect(message)
    return matched === 1
  }

  /** Publishes a marker, waits until each client that reads has received all expected messages, and checks that it received nothing else. */
  async delivers(): Promise<void> {
    await this.publish(trade(MARKER, ++this.#markers))
    await this.hasDelivered()
  }

  /** Like `delivers`, but without a marker. So `hasDelivered` does not prove that no other message is still on its way. */
  async hasDelivered(): Promise<void> {
    for (const client of this.#clients) if (!client.isPaused) await client.receivesAll()
  }

  counts(): Promise<HostCounts> {
    return this.#patience.within('the manager returns its counts', this.#running.manager.counts())
  }

  /** Waits until the manager's counts match the clients that should be connected. */
  async hasRightCounts(): Promise<void> {
    const expected = describe(this.#expectedCounts())
    await this.#patience.until(`the manager counts ${expected}`, {
      look: () => this.#running.manager.counts(),
      isAsExpected: (counts) => describe(inOrder(counts)) === expected,
    })
  }

  stats(): Promise<Stats> {
    return this.#patience.within('the manager returns its totals', this.#running.manager.stats())
  }

  /** Waits until no message is queued, and returns the totals. Fails if the totals do not account for every message. */
  async settles(): Promise<Stats> {
    const stats = await this.#patience.until('no message waits', {
      look: () => this.#running.manager.stats(),
      isAsExpected: ({ waiting, connectionsBehind, waitingBytes }) => [waiting, connectionsBehind, waitingBytes].every((count) => count === 0),
    })
    const { matched, sent, conflated, dropped, failed, skipped, purged } = stats
    const accounted = [sent, conflated, dropped, failed, skipped, purged].reduce((sum, count) => sum + count)
    if (matched === accounted) return stats
    throw new Error(`Expected the totals to account for every message; they are ${describe(stats)}`)
  }

  connectionIds(userId: string): Promise<readonly string[]> {
    return this.#patience.within(`the manager returns the connections of ${userId}`, this.#running.manager.connectionIds(userId))
  }

  removeUser(userId: string): Promise<number> {
    return this.#patience.within(`the manager removes ${userId}`, this.#running.manager.removeUser(userId))
  }

  /** Removes the only connection of a client's user, and tells the client why. Afterwards, the test does not expect the client to be connected. */
  async remove(client: TrialClient, why: CloseDetails): Promise<void> {
    const [connectionId = ''] = await this.connectionIds(client.userId)
    const removing = this.#running.manager.removeConnection(connectionId, why)
    if (!(await this.#patience.within(`the manager removes ${client.label}`, removing)))
      throw new Error(`Expected \`removeConnection\` to remove ${client.label}, but it returned false`)
    this.expectGone(client)
  }

  /** Publishes the messages, if there are any, and shuts the manager down within the same turn. Checks that all connections were closed. */
  async cleanup(...last: readonly PublishableMessage[]): Promise<void> {
    for (const message of last) this.#expect(message, (client) => client.isRecipientOf(message))
    const report = await this.#patience.within('the manager cleans up', this.#running.manager.cleanup(last))
    const { length } = this.#clients
    if (report.closed !== length) throw new Error(`Expected the cleanup report to count ${length} closed connections, but it is ${describe(report)}`)
  }

  stop(): Promise<void> {
    return this.#patience.within('the server stops', this.#running.stop())
  }

  async #connect(userId: string, streams: readonly StreamReference[], promised: Promised = 'strict'): Promise<TrialClient> {
    const label = `client ${this.#allClients.length + 1} (${userId})`
    const peer = await this.#patience.within(`${label} connects`, this.#running.connect(userId, streams))
    const client = new TrialClient({ label, userId, streams, promised }, peer, this.#patience)
    this.#clients.push(client)
    this.#allClients.push(client)
    return client
  }

  #publish(messages: readonly PublishableMessage[]): Promise<readonly PublishResult[]> {
    return this.#patience.within(`the manager publishes ${messages.length} messages`, this.#running.manager.publish(messages))
  }

  /** Makes each recipient expect the message, and returns the number of recipients. */
  #expect(message: PublishableMessage, isRecipient: (client: TrialClient) => boolean): number {
    const recipients = this.#clients.filter(isRecipient)
    for (const client of recipients) client.expect(message)
    return recipients.length
  }

  #expectedCounts(): HostCounts {
    const subscriptions = this.#clients.flatMap(({ userId, streams }) => streams.map((stream) => ({ userId, ...stream })))
    return {
      connections: this.#clients.length,
      users: new Set(this.#clients.map(({ userId }) => userId)).size,
      subscriptions: new Set(subscriptions.map(subscriptionKey)).size,
      streams: new Set(subscriptions.map(({ streamType, symbol }) => streamKey(streamType, symbol))).size,
    }
  }
}

function inOrder({ connections, users, subscriptions, streams }: HostCounts): HostCounts {
  return { connections, users, subscriptions, streams }
}

function assertMatched(results: readonly PublishResult[], recipients: readonly number[]): void {
  const isAsExpected = results.length === recipients.length && results.every(({ matched }, i) => matched === recipients[i])
  if (isAsExpected) return
  const matched = results.map((result) => result.matched)
  throw new Error(`Expected the manager to find ${describe(recipients)} recipients of ${recipients.length} messages, but it found ${describe(matched)}`)
}
