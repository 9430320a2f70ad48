import { channelOf } from '../../../src/model/channel.ts'
import { streams, USERS, type Stream } from '../../support/cluster/catalogue.ts'
import type { SimulatedNode } from '../../support/cluster/simulated-node.ts'
import type { SimulatedClock } from '../../support/cluster/simulated-clock.ts'

interface Revoked {
  readonly by: SimulatedNode
  readonly userId: string
  readonly stream: Stream
}

interface Removed {
  readonly by: SimulatedNode
  readonly node: SimulatedNode
  readonly connectionId: string
}

/** Judges what the audit of messages does not see: commands, presence and demand. */
export class Judge {
  readonly #clock: SimulatedClock
  readonly #revoked: Revoked[] = []
  readonly #removed: Removed[] = []
  /** The channels that the node which follows the demand takes for active. */
  readonly #active = new Set<string>()

  constructor(clock: SimulatedClock) {
    this.#clock = clock
  }

  /** True if nobody may want this stream for this user any more. */
  isRevoked(userId: string, stream: Stream): boolean {
    return this.#revoked.some((each) => each.userId === userId && each.stream === stream)
  }

  revoked(by: SimulatedNode, userId: string, stream: Stream): void {
    this.#revoked.push({ by, userId, stream })
  }

  /** A node removes a user, who has these connections now. */
  removed(by: SimulatedNode, nodes: readonly SimulatedNode[], userId: string): void {
    for (const node of nodes) for (const connectionId of node.manager.userConnections.get(userId) ?? []) this.#removed.push({ by, node, connectionId })
  }

  /** Follows the demand of the cluster through this node. */
  follow(node: SimulatedNode): void {
    this.#active.clear()
    node.cluster?.on('streamActive', (stream) => this.#active.add(keyOf(stream)))
    node.cluster?.on('streamIdle', (stream) => this.#active.delete(keyOf(stream)))
  }

  /** What is wrong once all has settled. Commands of a node that has died meanwhile may be lost. */
  async objections(nodes: readonly SimulatedNode[]): Promise<string[]> {
    return [...this.#disobeyed(nodes), ...(await this.#presence(nodes)), ...this.#demand(nodes), ...nodes.flatMap(objectionsToErrors)]
  }

  #disobeyed(nodes: readonly SimulatedNode[]): string[] {
    const isAlive = ({ by }: { readonly by: SimulatedNode }): boolean => nodes.includes(by)
    const held = this.#revoked.filter(isAlive).flatMap(({ userId, stream }) => {
      const holders = nodes.filter(({ manager }) => manager.getUserSubscriptions(userId).some((each) => isSame(each, stream)))
      return holders.map(({ name }) => `${name} holds a revoked ${JSON.stringify([userId, stream])}`)
    })
    const kept = this.#removed.filter(isAlive).filter(({ node, connectionId }) => nodes.includes(node) && node.manager.getConnection(connectionId) !== undefined)
    return [...held, ...kept.map(({ node, connectionId }) => `${node.name} keeps the removed ${connectionId}`)]
  }

  async #presence(nodes: readonly SimulatedNode[]): Promise<string[]> {
    const objections: string[] = []
    for (const userId of USERS) {
      const isOnline = nodes.some(({ manager }) => manager.userConnections.has(userId))
      for (const { name, cluster } of nodes) {
        let answer: unknown = 'no answer'
        void cluster?.isOnline(userId).then((each) => (answer = each), (error) => (answer = error))
        await this.#clock.advance(50)
        if (answer !== isOnline) objections.push(`${name} says of ${userId}, who is ${isOnline ? 'online' : 'offline'}: ${String(answer)}`)
      }
    }
    return objections
  }

  #demand(nodes: readonly SimulatedNode[]): string[] {
    const wanted = new Set(nodes.flatMap(({ manager }) => manager.activeStreams().map((stream) => keyOf(stream as never))))
    const unknown = [...wanted].filter((key) => !this.#active.has(key)).map((key) => `nobody was told that ${key} is wanted`)
    return [...unknown, ...[...this.#active].filter((key) => !wanted.has(key)).map((key) => `nobody was told that ${key} is idle`)]
  }
}

/** Errors of the broker are expected, and commands may be missing if their node has died. Others are not. */
function objectionsToErrors({ name, errors }: SimulatedNode): string[] {
  const isExpected = (error: unknown): boolean => /the line is cut|no answer|commands of another node/.test(String(error))
  return errors.filter((error) => !isExpected(error)).map((error) => `${name} reports ${String((error as Error).stack)}`)
}

function isSame(one: { readonly streamType: string; readonly symbol: string | undefined }, other: Stream): boolean {
  return one.streamType === other.streamType && one.symbol === other.symbol
}

function keyOf(stream: { readonly streamType: string; readonly symbol: string | undefined; readonly userId?: string }): string {
  const { streamType, symbol, userId } = channelOf(streams as never, { userId: undefined, ...stream })
  return JSON.stringify([streamType, symbol, userId])
}
