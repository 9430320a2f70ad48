import { setTimeout as sleep } from 'node:timers/promises'
import type { Dice } from '../../../support/dice.ts'
import type { Backbone, Wire } from './backbone.ts'
import type { Fleet } from './fleet.ts'
import type { Tape } from './tape.ts'

/** Everything that a fault can happen to. */
export interface Stage {
  readonly dice: Dice
  readonly backbone: Backbone
  readonly fleet: Fleet
  readonly tape: Tape
}

/** Settles when everything works again. */
type Fault = (stage: Stage) => Promise<void>

/** Name → what happens. */
export const FAULTS = {
  'kill the broker': (stage) => restart(stage, 'kill'),
  'restart the broker': (stage) => restart(stage, 'terminate'),
  'freeze the broker, 1.5 s': (stage) => freeze(stage, 1_500),
  'freeze the broker, 4 s': (stage) => freeze(stage, 4_000),
  'cut links': cutLinks,
  'stall links': stallLinks,
  'lose and cut': loseAndCut,
  'a node is too slow': slowNode,
  'kill a node': (stage) => replaceNode(stage, 'kill'),
  'replace a node': (stage) => replaceNode(stage, 'stop'),
  'freeze a node': freezeNode,
} satisfies Record<string, Fault>

export type FaultName = keyof typeof FAULTS

export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[]

/** The node that is ended or frozen is any but this one. */
export const SAFE_NODE = 2

/** Returns names in an order of chance. */
export function shuffled(names: readonly FaultName[], dice: Dice): FaultName[] {
  const rest = [...names]
  return names.map(() => rest.splice(dice.below(rest.length), 1)[0] as FaultName)
}

async function restart({ backbone, dice }: Stage, how: 'kill' | 'terminate'): Promise<void> {
  await backbone[how]()
  await sleep(dice.between(100, 1_500))
  await backbone.restart()
}

async function freeze({ backbone }: Stage, ms: number): Promise<void> {
  await backbone.freeze()
  await sleep(ms)
  await backbone.thaw()
}

/** Several times in a row, so that a link breaks while what broke before is repaired. */
async function cutLinks({ backbone, dice }: Stage): Promise<void> {
  for (let i = 0; i < 4; i++) {
    for (const wire of some(backbone.wires, dice)) wire.cut()
    await sleep(dice.between(50, 500))
  }
}

async function stallLinks({ backbone, dice }: Stage): Promise<void> {
  const wires = some(backbone.wires, dice)
  for (const wire of wires) wire.stall()
  await sleep(dice.between(200, 3_500))
  for (const wire of wires) wire.heal()
}

/** What a node and the broker send to each other is gone before either notices. */
async function loseAndCut({ backbone, dice }: Stage): Promise<void> {
  const wires = some(backbone.wires, dice)
  for (const wire of wires) wire.lose()
  await sleep(dice.between(50, 1_800))
  for (const wire of wires) wire.cut()
}

const BURSTS = 40
const BURST = 10
const BURST_EVERY_MS = 50

/** A node takes nothing of 12 MB. That is more than the system holds, so the broker cuts it. */
async function slowNode({ backbone, dice, fleet, tape }: Stage): Promise<void> {
  const slow = dice.below(fleet.size)
  backbone.wires[slow]?.stall()
  for (let i = 0; i < BURSTS; i++) {
    fleet.publish((slow + 1) % fleet.size, tape.bulk(BURST))
    await sleep(BURST_EVERY_MS)
  }
  backbone.wires[slow]?.heal()
}

async function replaceNode({ dice, fleet }: Stage, how: 'kill' | 'stop'): Promise<void> {
  const node = dice.below(SAFE_NODE)
  await fleet[how](node)
  await sleep(dice.between(0, 1_500))
  await fleet.start(node)
}

async function freezeNode({ dice, fleet }: Stage): Promise<void> {
  const node = dice.below(SAFE_NODE)
  fleet.freeze(node)
  await sleep(dice.pick([1_500, 4_000]))
  fleet.thaw(node)
}

/** Returns a share of the wires, and one at least. */
function some(wires: readonly Wire[], dice: Dice): Wire[] {
  const chosen = wires.filter(() => dice.chance(0.5))
  return chosen.length > 0 ? chosen : [dice.pick(wires)]
}
