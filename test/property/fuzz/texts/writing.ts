import { type Dice } from '../../../support/dice.ts'
import { Lottery } from '../lottery.ts'
import { HOSTILE_IDS } from '../../../support/hostile.ts'

type Writer = (dice: Dice) => string

/** Values that JSON can spell, and what it cannot. */
const VALUES: readonly string[] = [
  'null', 'true', 'false', '0', '-0', '1e999', '-1e999', '1e-999', '12345678901234567890123', '0.1', '01', '+1', '.5', 'NaN', 'Infinity', 'undefined', '0x10', '1n',
  '""', '"text"', '"\\ud83d"', '"\\ude00\\ud83d"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\x"', '"\\', '"\n"', '"\\u2028"', "'text'",
  '[]', '[1,2,3]', '[,]', '[1,]', '{}', '{"a":1}', '{"a":1,"a":2}', '{a:1}', '{"a"}',
  '{"__proto__":{"isAdmin":true}}', '{"constructor":{"prototype":{"isAdmin":true}}}', '{"toJSON":"text"}', '{"then":"text"}', '{"length":4294967296}',
]

const TYPES: readonly string[] = ['PRICE', 'ORDERBOOK', 'TRADES', 'USER_DATA', 'BOT_STATUS', 'RISK_ALERTS', 'ORDER_UPDATES']
const PUBLIC_TYPES = 3
const FIELDS: readonly string[] = ['stream_type', 'symbol', 'data', 'timestamp', 'user_id', 'type', 'dropped', '__proto__', 'constructor', 'extra']
const TIMES: readonly string[] = [
  '"2026-01-31T12:00:00.000Z"', '"2026-01-31T12:00:00Z"', '"2026-02-30T12:00:00.000Z"', '"+275760-09-13T00:00:00.000Z"', '"-271821-04-20T00:00:00.000Z"',
  '"+275760-09-13T00:00:00.001Z"', '"-000000-01-01T00:00:00.000Z"', '"2026"', '"1 Jan"', '"2026-01-31T12:00:00.000+01:00"', '0', '1769860800000',
]
const DEPTHS: readonly number[] = [1, 5, 100, 500, 3_000]

/** Data of any depth and breadth. */
function data(dice: Dice): string {
  if (dice.chance(0.6)) return JSON.stringify({ bid: dice.below(1_000) / 8, depth: [dice.below(9), 'é', null] })
  if (dice.chance(0.96)) return dice.pick(VALUES)
  const depth = dice.pick(DEPTHS)
  const inner = dice.pick(VALUES)
  return dice.chance(0.5) ? `${'['.repeat(depth)}${inner}${']'.repeat(depth)}` : `${'{"a":'.repeat(depth)}${inner}${'}'.repeat(depth)}`
}

function symbol(dice: Dice): string {
  return JSON.stringify(dice.chance(0.5) ? 'BTCUSDT' : dice.pick(HOSTILE_IDS))
}

/** The fields of a message in the wire form, each as its text. */
function messageFields(dice: Dice): [name: string, text: string][] {
  const at = dice.below(TYPES.length)
  const isPublic = at < PUBLIC_TYPES
  return [
    ['stream_type', JSON.stringify(TYPES[at])],
    ['symbol', isPublic || dice.chance(0.5) ? symbol(dice) : 'null'],
    ['data', data(dice)],
    ['timestamp', dice.chance(0.9) ? JSON.stringify(new Date(dice.below(2 ** 43) - 2 ** 42).toISOString()) : dice.pick(TIMES)],
    ['user_id', isPublic ? 'null' : JSON.stringify(dice.pick(HOSTILE_IDS))],
  ]
}

function noticeFields(dice: Dice): [name: string, text: string][] {
  return [
    ['type', '"gap"'],
    ['stream_type', JSON.stringify(dice.pick(TYPES))],
    ['symbol', dice.chance(0.8) ? symbol(dice) : 'null'],
    ['dropped', dice.chance(0.8) ? String(dice.below(1_000)) : dice.pick(VALUES)],
  ]
}

function objectOf(fields: readonly (readonly [name: string, text: string])[], dice: Dice): string {
  const space = dice.chance(0.1) ? dice.pick([' ', '\n\t', '\r\n', '\u00a0', '\ufeff']) : ''
  return `{${fields.map(([name, text]) => `${space}${JSON.stringify(name)}:${space}${text}`).join(',')}${space}}`
}

/** Some of the fields changed, doubled, missing, or in another order. */
function disturbed(fields: [name: string, text: string][], dice: Dice): [name: string, text: string][] {
  const at = dice.below(fields.length)
  const field = fields[at] as [string, string]
  switch (dice.below(6)) {
    case 0: return fields.with(at, [field[0], dice.pick(VALUES)])
    case 1: return [...fields, [dice.pick(FIELDS), dice.pick(VALUES)]]
    case 2: return fields.toSpliced(at, 1)
    case 3: return [...fields, [field[0], dice.chance(0.5) ? field[1] : dice.pick(VALUES)]]
    case 4: return fields.toReversed()
    default: return fields.with(at, [dice.pick(FIELDS), field[1]])
  }
}

const wireMessage: Writer = (dice) => objectOf(messageFields(dice), dice)
const disturbedMessage: Writer = (dice) => objectOf(disturbed(messageFields(dice), dice), dice)
const notice: Writer = (dice) => objectOf(noticeFields(dice), dice)
const disturbedNotice: Writer = (dice) => objectOf(disturbed(noticeFields(dice), dice), dice)

/** A text cut, doubled, or with a few characters changed. */
const mutilated: Writer = (dice) => {
  let text = wireMessage(dice)
  for (let times = 1 + dice.below(3); times > 0; times--) {
    const at = dice.below(text.length + 1)
    const strange = dice.pick(['"', '\\', '{', '}', '[', ']', ':', ',', '\0', '\ud83d', '\ufeff', '0', 'e', '\\u00', '😀'])
    text = dice.pick([text.slice(0, at), text.slice(at), text.slice(0, at) + strange + text.slice(at), text.slice(0, at) + strange + text.slice(at + 1), text + text])
  }
  return text
}

const CHARACTERS = ['a', 'P', ':', ':', '%', '%', '2', '5', '3', 'A', '{', '}', '"', '\\', '\0', '\n', ' ', '\ud83d', '\ude00', '😀', 'é', '\u2028', '\uffff']

/** Characters at random, of those that mean something to somebody. */
const noise: Writer = (dice) => Array.from({ length: dice.chance(0.02) ? 300 : dice.below(12) }, () => dice.pick(CHARACTERS)).join('')

function encoded(text: string): string {
  return text.replaceAll('%', '%25').replaceAll(':', '%3A')
}

/** A key as it is made of names, written out here by the words of the contract. */
const key: Writer = (dice) => {
  const stream = dice.chance(0.8) ? `${dice.pick(TYPES)}:${dice.pick(HOSTILE_IDS)}` : dice.pick(TYPES)
  return dice.chance(0.5) ? stream : `${encoded(dice.pick(HOSTILE_IDS))}:${stream}`
}

const disturbedKey: Writer = (dice) => {
  const text = key(dice)
  const at = dice.below(text.length + 1)
  return text.slice(0, at) + dice.pick([':', '%', '%3a', '%3A', '%25', '%41', '', '\ud83d', '__proto__']) + text.slice(at + dice.below(2))
}

/** Texts as a parser may get them, from what is right to what is noise. */
export const WRITERS: Lottery<Writer> = new Lottery([
  [wireMessage, 25],
  [disturbedMessage, 20],
  [notice, 6],
  [disturbedNotice, 6],
  [mutilated, 13],
  [noise, 10],
  [key, 12],
  [disturbedKey, 8],
])
