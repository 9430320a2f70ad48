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
  /**
   * Node → the nodes that were cut off when it joined, or shortly afterwards. It cannot tell the commands that they gave before it joined from later ones, obeys neither, and
   * reports that commands may be missing.
   */
  readonly #unheard = new Map<SimulatedNode, readonly string[]>()
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

  /** A node joins while others are cut off. */
  joined(node: SimulatedNode, cutOff: readonly string[]): void {
    this.#unheard.set(node, [...(this.#unheard.get(node) ?? []), ...cutOff])
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
    const held = this.#revoked.filter(isAlive).flatMap(({ by, userId, stream }) => {
      const isHolder = (node: SimulatedNode): boolean => node.manager.getUserSubscriptions(userId).some((each) => isSame(each, stream))
      const holders = nodes.filter((node) => isHolder(node) && !this.#isExcused(node, by))
      return holders.map(({ name }) => `${name} holds a revoked ${JSON.stringify([userId, stream])}`)
    })
    const isKept = ({ by, node, connectionId }: Removed): boolean => node.manager.getConnection(connectionId) !== undefined && !this.#isExcused(node, by)
    const kept = this.#removed.filter(isAlive).filter((each) => nodes.includes(each.node) && isKept(each))
    return [...held, ...kept.map(({ node, connectionId }) => `${node.name} keeps the removed ${connectionId}`)]
  }

  /** True if a node may lack commands of another one, and has said so. */
  #isExcused(node: SimulatedNode, by: SimulatedNode): boolean {
    return this.#unheard.get(node)?.includes(by.name) === true && node.errors.some((error) => MISSING_COMMANDS.test(String(error)))
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

const MISSING_COMMANDS = /commands of another node/

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
