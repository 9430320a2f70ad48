// What it costs to bring one text that is at hand to its subscribers: beside a bare loop over the same sockets, and beside the peers.
import { bareLoop, meteredLoop } from '../contenders/bare-loop.js'
import { ManagerHub, UserManagerHub } from '../contenders/manager.js'
import { PEERS } from '../contenders/peers.js'
import { population } from '../contenders/population.js'
import { message, SYMBOL, TEXT } from '../market.js'
import { deliverer } from '../measure/local.js'
import { overPopulations } from '../measure/populations.js'
import { ratios, spread } from '../measure/statistics.js'

export const title = 'Fan-out of a text that is at hand'

const SOME_MS = Date.UTC(2026, 0, 31)
const SIZES = [1, 10, 100, 1_000, 10_000, 100_000]
const VARIANTS = {
  plain: {},
  '3 connections a user': { connectionsPerUser: 3 },
  '8 socket classes': { classes: 8 },
  shuffled: { isShuffled: true },
}
const QUICK_SIZES = [10, 100, 1_000, 10_000, 100_000]
const VARIANT_SIZES = [10, 1_000, 100_000]
const QUICK_VARIANTS = ['plain', '3 connections a user']
const QUICK_VARIANT_SIZES = [10_000]

function variants(/** @type {boolean} */ isQuick) {
  return Object.entries(VARIANTS).filter(([variant]) => !isQuick || QUICK_VARIANTS.includes(variant))
}

/** @param {boolean} isQuick */
export function cases(isQuick) {
  const effort = isQuick ? { populations: 1, rounds: 7, roundMs: 4 } : { populations: 4, rounds: 11, roundMs: 15 }
  const ours = [false, true].flatMap((isMetered) => variants(isQuick).flatMap(([variant, crowd]) => {
    const [all, some] = isQuick ? [QUICK_SIZES, QUICK_VARIANT_SIZES] : [SIZES, VARIANT_SIZES]
    const sizes = variant === 'plain' ? all : some
    return sizes.map((connections) => ({ kind: 'ours', variant, crowd: { ...crowd, connections, isMetered }, ...effort }))
  }))
  const peerEffort = isQuick ? { ...effort, populations: 1, rounds: 3 } : { ...effort, populations: 2, rounds: 7 }
  const peers = (variant, crowd, sizes) => sizes.map((connections) => ({ kind: 'peers', variant, crowd: { ...crowd, connections }, ...peerEffort }))
  return [
    ...ours,
    ...peers('plain', {}, isQuick ? [10, 1_000] : SIZES),
    ...(isQuick ? [] : peers('3 connections a user', { connectionsPerUser: 3 }, VARIANT_SIZES)),
  ]
}

export function measure({ kind, crowd, ...effort }) {
  return overPopulations(effort, (isWarmUp) => {
    const newcomers = population({ ...crowd, connections: isWarmUp ? Math.min(crowd.connections, 1_000) : crowd.connections })
    return kind === 'ours' ? oursAndBare(newcomers, crowd) : peersAndBare(newcomers)
  })
}

function oursAndBare(newcomers, { isMetered, connectionsPerUser = 1 }) {
  const sockets = newcomers.map(({ socket }) => socket)
  const { manager } = filled(connectionsPerUser === 1 ? new ManagerHub() : new UserManagerHub(), newcomers, TEXT)
  const publish = (times) => { for (let i = 0; i < times; i++) manager.publish(message()) }
  const publishToNobody = (times) => {
    for (let i = 0; i < times; i++) {
      manager.publish(message('NOBODY'))
      given = givenToSerialize()
    }
  }
  return [
    deliverer('bare', sockets, (isMetered ? meteredLoop : bareLoop)(sockets, TEXT)),
    deliverer('ours', sockets, publish),
    deliverer('to nobody', sockets, publishToNobody, 0),
  ]
}

/** So that nothing is optimised away. */
export let given

/** What `serialize` is given. A text that is at hand needs none of it, and the bare loop makes none: it is no part of the delivery. */
function givenToSerialize() {
  const { streamType, symbol, data } = message()
  return { streamType, symbol, data, timestamp: new Date(SOME_MS), userId: undefined }
}

function peersAndBare(newcomers) {
  const sockets = newcomers.map(({ socket }) => socket)
  const peers = Object.entries(PEERS).map(([name, makePeer]) => {
    const hub = filled(makePeer(), newcomers, TEXT)
    return deliverer(name, sockets, (times) => { for (let i = 0; i < times; i++) hub.publish(SYMBOL, TEXT) })
  })
  return [deliverer('bare', sockets, bareLoop(sockets, TEXT)), ...peers]
}

function filled(hub, newcomers, text) {
  const members = newcomers.map((newcomer) => hub.join(newcomer))
  for (const member of members) hub.subscribe(member, [SYMBOL])
  hub.publish(SYMBOL, text)
  return hub
}

/** @param {readonly { facts: object, outcome: Record<string, number[]> }[]} outcomes */
export function rows(outcomes) {
  return outcomes.filter(({ facts }) => facts.kind === 'ours').map(({ facts: { variant, crowd }, outcome }) => {
    const { bare, ours, 'to nobody': nobody } = outcome
    const delivery = ours.map((cost, round) => cost - nobody[round])
    const isSame = ({ facts }) => facts.kind === 'peers' && facts.variant === variant && facts.crowd.connections === crowd.connections
    const peers = crowd.isMetered ? undefined : outcomes.find(isSame)
    const kind = crowd.isMetered ? 'bufferedAmount' : 'no pressure'
    return {
      what: [`to ${crowd.connections.toLocaleString('en')}`, kind, ...(variant === 'plain' ? [] : [variant])].join(', '),
      metric: 'delivery',
      facts: { subscribers: crowd.connections, isMetered: crowd.isMetered, variant },
      ...spread(ratios(delivery, bare)),
      of: 'the bare loop',
      costs: { delivery: spread(delivery).value, 'whole publish': spread(ours).value, 'bare loop': spread(bare).value },
      peers: peers && peersOf(peers.outcome),
    }
  })
}

function peersOf({ bare, ...peers }) {
  return Object.fromEntries(Object.entries(peers).map(([name, costs]) => [name, spread(ratios(costs, bare)).value]))
}
