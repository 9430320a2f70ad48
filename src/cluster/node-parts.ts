import type { ChannelName } from '../model/channel.ts'
import type { ChannelLog } from '../ports/channel-log.ts'
import { ControlDestination } from './control-destination.ts'
import { ControlLog, isStream } from './control-log.ts'
import { Demand } from './demand.ts'
import { Interest } from './interest.ts'
import { Interests } from './interests.ts'
import { Link } from './link.ts'
import type { ResolvedClusterOptions } from './options.ts'
import { Presence } from './presence.ts'
import { Publications, type OwnMessages } from './publications.ts'
import { Readiness } from './readiness.ts'
import { Receiving } from './receiving.ts'
import { StreamDestination, type ChannelManager } from './stream-destination.ts'
import { SubjectSet } from './subject-set.ts'
import { subjectsOf, type Subjects } from './subjects.ts'

/** The functions by which the parts of a node report to the node. */
export interface NodeHooks {
  linkChanged(isUp: boolean): void
  /** Called if subscribers of a channel miss messages. `missing` is `undefined` if nobody knows how many messages are missing. */
  missed(channel: ChannelName, missing: number | undefined): void
  /** Called when another node has given a command. */
  commanded(text: string): void
  /** Called if commands of another node are missing. `missing` is `undefined` if nobody knows how many commands are missing. */
  commandsMissed(missing: number | undefined): void
  /** Called when a node wants a channel that no node wanted before, and when no node has wanted the channel for `idleDelayMs`. */
  demandChanged(channel: ChannelName, isActive: boolean): void
  report(error: unknown): void
}

/** The parts of a node. */
export interface NodeParts {
  readonly name: string
  readonly subjects: Subjects
  readonly subjectSet: SubjectSet
  readonly link: Link
  readonly control: ControlLog
  readonly publications: Publications
  readonly receiving: Receiving
  readonly interests: Interests
  readonly readiness: Readiness
  readonly presence: Presence
  readonly demand: Demand
}

/** The members of a manager that the parts of a node use. */
export interface NodeManager extends ChannelManager {
  readonly userConnections: ReadonlyMap<string, unknown>
}

/**
 * How long this node keeps its commands for nodes that are cut off from the broker. Older commands are removed when the node gives the next command.
 * Milliseconds.
 */
const COMMANDS_AGE_MS = 120_000

/** Makes the parts of a node, and connects the parts with each other. */
export function assemble(manager: NodeManager, log: ChannelLog, options: ResolvedClusterOptions, hooks: NodeHooks): NodeParts {
  const { backplane, idleDelayMs, prefix, repairTimeoutMs } = options
  const { clock } = log
  const name = log.randomName()
  const subjects = subjectsOf(prefix)
  const control = new ControlLog(log.randomName(), clock, COMMANDS_AGE_MS)
  const link = new Link({ ...options, clock, node: name, subject: subjects.node(name), changed: hooks.linkChanged })
  const subjectSet: SubjectSet = new SubjectSet(backplane, (taken) => {
    // From now on, a probe comes back.
    if (taken.includes(subjects.node(name))) link.reported(true)
    interests.subscribed(taken)
  })
  const receiving: Receiving = new Receiving({
    clock,
    node: name,
    repairTimeoutMs,
    maxHeldUnits: options.maxUnconfirmedBytes,
    sendTo: (node, frame) => void link.send(subjects.node(node), frame),
    isUp: () => link.isUp,
    settled: () => readiness.check(),
  })
  const readiness: Readiness = new Readiness({
    clock,
    repairTimeoutMs,
    complete: (...facts) => receiving.complete(...facts),
    isUp: () => link.isUp,
    isOwn: ({ channel }, epoch) => log.isOwn(channel, epoch),
  })
  const make = interestMaker(manager, log, subjects, hooks)
  const interests: Interests = new Interests({ clock, node: name, idleDelayMs, repairTimeoutMs, subjectSet, subjects, link, receiving, make, synced: () => readiness.check() })
  const publications = new Publications({ ...options, clock, node: name, link, subjects, messages: ownMessages(log, control), subjectOf: subjectFinder(options, subjects) })
  const isOnlineHere = (userId: string): boolean => manager.userConnections.has(userId)
  const presence = new Presence({ backplane, clock, repairTimeoutMs, link, node: name, subjects, subjectSet, isOnlineHere, report: hooks.report })
  const isWantedHere = (channel: ChannelName): boolean => receiving.find(channel) !== undefined
  const demand = new Demand({ backplane, subjects, clock, idleDelayMs, isWantedHere, changed: hooks.demandChanged, report: hooks.report })
  return { name, subjects, subjectSet, link, control, publications, receiving, interests, readiness, presence, demand }
}

/** Returns a function that makes the `Interest` in a channel. */
function interestMaker(manager: NodeManager, log: ChannelLog, subjects: Subjects, hooks: NodeHooks): (channel: ChannelName) => Interest {
  const { commanded, commandsMissed, missed, report } = hooks
  return (channel) => {
    const isCommands = !isStream(channel)
    const subject = isCommands ? subjects.control : subjects.channel(channel)
    const destination = isCommands ? new ControlDestination(commanded, commandsMissed) : new StreamDestination(channel, { log, manager, missed, report })
    return new Interest(channel, subject, destination, log.clock.monotonic())
  }
}

function ownMessages(log: ChannelLog, control: ControlLog): OwnMessages {
  return {
    own: (channel) => (isStream(channel) ? log.own(channel) : control.own()),
    range: (channel, epoch, first, last) => (isStream(channel) ? log.range(channel, epoch, first, last) : control.range(first, last)),
  }
}

/** Returns a function that finds the subject of a channel. Channels of local types have no subject. */
function subjectFinder({ localTypes }: ResolvedClusterOptions, subjects: Subjects): (channel: ChannelName) => string | undefined {
  return (channel) => {
    if (!isStream(channel)) return subjects.control
    return localTypes.has(channel.streamType) ? undefined : subjects.channel(channel)
  }
}
