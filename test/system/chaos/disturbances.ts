import { setTimeout as sleep } from 'node:timers/promises'
import type { Dice } from '../../support/dice.ts'
import type { Crowd } from './crowd.ts'
import type { Feed } from './feed.ts'
import type { Figures } from './figures.ts'
import type { Judge } from './judge.ts'
import type { Door, Link, Proxy } from './proxy.ts'
import { isReader } from './streams.ts'
import type { Venue } from './venue.ts'

/** Everything that can be disturbed. */
export interface Stage {
  readonly dice: Dice
  readonly clientCount: number
  readonly proxy: Proxy
  readonly venue: Venue
  readonly crowd: Crowd
  readonly feed: Feed
  readonly judge: Judge
  readonly figures: Figures
}

type Disturbance = (stage: Stage) => void | Promise<void>

/** A client may come back with new credentials once. Then a connection has to last 5 s before the next time. */
const LASTED_MS = 6_000

const DRAIN_WITHIN_MS = 1_500

/** Name → what it does. A disturbance that settles later holds up the next one; one that returns at once goes on in the background. */
export const DISTURBANCES = {
  'cut some': ({ dice, proxy }) => some(proxy.links, dice, 0.2).forEach((link) => link.cut()),
  'cut all': cutAll,
  'half-open': stall,
  'short stall': hesitate,
  'lose and cut': lose,
  'break on arrival': breakOnArrival,
  'refuse': (stage) => shut(stage, 'refusing'),
  'lead nowhere': (stage) => shut(stage, 'leading nowhere'),
  'expire': expire,
  'slow reader': slowReader,
  'sleep': putToSleep,
  'suspend the server': suspend,
  'kill the server': ({ venue }) => venue.kill(),
  'drain, keep the history': (stage) => drain(stage, true),
  'drain, lose the history': (stage) => drain(stage, false),
} satisfies Record<string, Disturbance>

export type DisturbanceName = keyof typeof DISTURBANCES

/** Those that are dealt more than once. */
const OFTEN: readonly DisturbanceName[] = ['cut some', 'cut some', 'half-open', 'lose and cut', 'break on arrival', 'expire']

/** Returns all names, in an order of chance. */
export function deal(dice: Dice): DisturbanceName[] {
  const names = [...(Object.keys(DISTURBANCES) as DisturbanceName[]), ...OFTEN]
  for (let last = names.length - 1; last > 0; last--) {
    const other = dice.below(last + 1)
    ;[names[last], names[other]] = [names[other] as DisturbanceName, names[last] as DisturbanceName]
  }
  return names
}

function cutAll({ proxy, figures }: Stage): void {
  figures.scattered('cut', Date.now())
  for (const link of proxy.links) link.cut()
}

function stall({ dice, proxy, judge, figures }: Stage): void {
  for (const link of some(proxy.links, dice, 0.1)) {
    const client = link.client as number
    link.stall()
    if (judge.isConnected(client)) figures.stalled(client, Date.now())
  }
}

/** Nothing passes for a while, and then everything does. */
function hesitate({ dice, proxy }: Stage): void {
  for (const link of some(proxy.links, dice, 0.2)) {
    link.stall()
    setTimeout(() => link.heal(), dice.between(100, 1_200))
  }
}

/** The server takes what it sends for received. */
function lose({ dice, proxy }: Stage): void {
  for (const link of some(proxy.links, dice, 0.2)) {
    link.lose()
    setTimeout(() => link.cut(), dice.between(20, 400))
  }
}

/** Links break while the client is brought up to date. */
async function breakOnArrival({ dice, proxy }: Stage): Promise<void> {
  proxy.lifetimeBytes = () => (dice.chance(0.6) ? dice.between(500, 120_000) : Infinity)
  for (const link of some(proxy.links, dice, 0.4)) link.cut()
  await sleep(1_000)
  proxy.lifetimeBytes = () => Infinity
}

async function shut({ dice, proxy }: Stage, door: Door): Promise<void> {
  proxy.door = door
  for (const link of some(proxy.links, dice, 0.1)) link.cut()
  await sleep(dice.between(300, 900))
  proxy.door = 'open'
}

function expire({ dice, venue, crowd, judge, clientCount }: Stage): void {
  for (let client = dice.below(10); client < clientCount; client += 10) {
    if (!judge.mayExpire(client, LASTED_MS)) continue
    crowd.issue(client, venue.expire(client, dice.pick([1008, 4401])))
  }
}

/** A client reads slowly while much is sent to it. */
function slowReader({ dice, proxy, feed }: Stage): void {
  const readers = proxy.links.filter(({ client }) => isReader(client as number))
  if (readers.length === 0) return
  const reader = dice.pick(readers)
  reader.trickle()
  feed.burst(reader.client as number)
}

function putToSleep({ dice, crowd }: Stage): void {
  const asleep = crowd.sleep(dice.below(2))
  setTimeout(() => crowd.wake(asleep), dice.between(500, 4_000))
}

async function suspend({ dice, venue }: Stage): Promise<void> {
  venue.suspend()
  await sleep(dice.between(300, 3_000))
  venue.resume()
}

/** Those who have gone come to the successor, once it is there; or to the old server, which tells them to go again. */
async function drain({ dice, proxy, venue, figures }: Stage, keepsHistory: boolean): Promise<void> {
  figures.scattered('drain', Date.now())
  if (dice.chance(0.7)) proxy.door = 'waiting'
  await venue.drain(DRAIN_WITHIN_MS, keepsHistory)
  proxy.door = 'open'
}

/** Returns a share of the links, and one at least. */
function some(links: readonly Link[], dice: Dice, share: number): Link[] {
  const chosen = links.filter(() => dice.chance(share))
  return chosen.length > 0 || links.length === 0 ? chosen : [dice.pick(links)]
}
