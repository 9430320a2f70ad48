import { Dice } from './dice.js'
import { isOneOf, isPublic, sameStream } from './stream.js'

/** @import { MarketMessage } from './feed.js' */
/** @import { Stream } from './stream.js' */

/**
 * Who subscribes to what, and who does what half-way.
 *
 * @typedef {object} Plan
 * @property {UserPlan[]} users those with WebSockets first, then the viewers
 * @property {Stall[]} stalls of different users, so that no user is ever gone altogether unawares
 * @property {number} interval the play does not pass this position before every stall is over
 * @property {Cue[]} cues in the order of their positions, all of them after the interval
 * @property {number} gate the play does not pass this position before every cue is done
 *
 * @typedef {object} UserPlan
 * @property {string} userId
 * @property {Stream[]} shared user-level subscriptions
 * @property {ConnectionPlan[]} connections
 *
 * @typedef {object} ConnectionPlan
 * @property {'ws' | 'sse'} over a viewer's server-sent events can only be listened to: they can only reconnect
 * @property {Stream[]} own connection-level subscriptions
 * @property {Mistake[]} mistakes commands that the server has to refuse
 *
 * @typedef {{ text: string, code: string }} Mistake what is sent, and the code that it is refused with
 *
 * @typedef {{ user: number, connection: number }} Slot one of a user's places, which a reconnect fills anew
 *
 * @typedef {object} Cue
 * @property {number} position
 * @property {number} until who reconnects stays away up to this position
 * @property {Slot} slot
 * @property {Action} action
 *
 * @typedef {Omit<Cue, 'until'>} CueDraft
 *
 * @typedef {object} Stall a client that stops reading for a part of the play
 * @property {Slot} slot
 * @property {Taste} taste
 * @property {number} from the position of the first message that it does not read in time
 * @property {number} until it reads on from this position, unless it was disconnected before
 *
 * @typedef {'tape' | 'book'} Taste what a slow client listens to besides: prices and trades, which can give way, or
 *   order books, which cannot
 *
 * @typedef {{ kind: 'reconnect', manner: 'clean' | 'abrupt' }
 *   | { kind: 'absence' }
 *   | { kind: 'subscribe' | 'unsubscribe', scope: Scope, stream: Stream }
 *   | { kind: 'mistake', mistake: Mistake }} Action
 *
 * @typedef {'user' | 'connection'} Scope
 *
 * @typedef {{ user: UserPlan, slot: Slot, streams: readonly Stream[], dice: Dice }} Actor
 */

/** Parts of the play: some clients are slow from here to there, and have to have caught up before the cues begin. */
const FIRST_STALL = 0.05
const LAST_STALL = 0.08
const FIRST_RESUMPTION = 0.4
const LAST_RESUMPTION = 0.42
const INTERVAL = 0.45
/** The part in which the cues fall, and the part at which they have to be done. */
const LAST_CUE = 0.65
const GATE = 0.75
/** How much of the play who reconnects misses at most. */
const LONGEST_ABSENCE = 0.03

const VIEWERS = 2
/** So that a feed of many symbols does not keep a slow client busy with subscribing. */
const MOST_TASTED_STREAMS = 24

/** @type {readonly Mistake[]} */
const MISTAKES = [
  { text: '{"type":"subscribe","scope":"connection","stream_type":"WEATHER"}', code: 'ERR_UNKNOWN_STREAM' },
  { text: '{"type":"subscribe","scope":"user","stream_type":"PRICE"}', code: 'ERR_SYMBOL_REQUIRED' },
  {
    text: `{"type":"subscribe","scope":"user","stream_type":"PRICE","symbol":"${'X'.repeat(256)}"}`,
    code: 'ERR_INVALID_ID',
  },
  { text: 'subscribe me to everything', code: 'ERR_BAD_COMMAND' },
  { text: '{"type":"constructor"}', code: 'ERR_BAD_COMMAND' },
]

/**
 * What befalls some user half-way, in turns; each drafts its actions in their order.
 *
 * @type {readonly ((actor: Actor) => Action[])[]}
 */
const EVENTS = [
  () => [{ kind: 'reconnect', manner: 'clean' }],
  ({ streams, dice }) => [{ kind: 'subscribe', scope: 'user', stream: dice.pick(streams) }],
  () => [{ kind: 'reconnect', manner: 'abrupt' }],
  // It ends the subscription for the user's connections too; a later one has an exact start again.
  ({ user, dice }) => {
    const stream = dice.pick(user.shared.filter(isPublic))
    return [{ kind: 'unsubscribe', scope: 'user', stream }, { kind: 'subscribe', scope: 'user', stream }]
  },
  () => [{ kind: 'reconnect', manner: 'clean' }],
  ({ streams, dice }) => [{ kind: 'subscribe', scope: 'connection', stream: dice.pick(streams) }],
  () => [{ kind: 'reconnect', manner: 'abrupt' }],
  ({ user, slot, dice }) => {
    const own = dice.pick(user.connections[slot.connection].own)
    return [{ kind: 'unsubscribe', scope: 'connection', stream: own }]
  },
  // A connection that lets go of what its user holds as well goes on receiving it.
  ({ user, dice }) => {
    const stream = dice.pick(user.shared.filter(isPublic))
    return [
      { kind: 'subscribe', scope: 'connection', stream },
      { kind: 'unsubscribe', scope: 'connection', stream },
    ]
  },
  // All of the user's connections leave, and what the user as such listened to has to end with the last of them.
  () => [{ kind: 'absence' }],
  ({ dice }) => [{ kind: 'mistake', mistake: dice.pick(MISTAKES) }],
]

/**
 * The users' names, of which both the timeline and the plan are made.
 *
 * @param {number} count
 */
export function nameUsers(count) {
  return Array.from({ length: count }, (_, index) => `user-${String(index + 1).padStart(2, '0')}`)
}

/** The names of those who only listen, over server-sent events. */
export function nameViewers() {
  return Array.from({ length: VIEWERS }, (_, index) => `viewer-${index + 1}`)
}

/**
 * @param {object} cast
 * @param {readonly MarketMessage[]} cast.market
 * @param {readonly string[]} cast.userIds
 * @param {readonly string[]} cast.viewerIds
 * @param {number} cast.connections
 * @param {number} cast.slow how many are to be slow
 * @param {number} cast.length of the timeline
 * @param {number} cast.seed
 * @returns {Plan}
 */
export function drawPlan({ market, userIds, viewerIds, connections, slow, length, seed }) {
  const dice = new Dice(seed, 'plan')
  const streams = publicStreams(market)
  const stalls = drawStalls({ users: userIds.length, viewers: viewerIds.length, connections, slow, length, seed })
  const stallOf = (/** @type {number} */ user) => stalls.find(({ slot }) => slot.user === user)
  const users = userIds.map((userId, index) => {
    return planUser({ userId, index, connections, streams, stall: stallOf(index), dice })
  })
  spreadMistakes(users)
  const drafts = drawCues({ users, streams, length, dice })
  const viewers = viewerIds.map((userId, index) => {
    return planViewer({ userId, streams, stall: stallOf(users.length + index), dice })
  })
  const returns = viewers.map((_, index) => reconnectOf(users.length + index, length, dice))
  return {
    users: [...users, ...viewers],
    stalls,
    interval: Math.floor(length * INTERVAL),
    cues: withReturns([...drafts, ...returns], length, dice),
    gate: Math.floor(length * GATE),
  }
}

/**
 * @param {{ users: number, viewers: number, connections: number, slow: number, length: number, seed: number }} cast
 * @returns {Stall[]}
 */
function drawStalls({ users, viewers, connections, slow, length, seed }) {
  const dice = new Dice(seed, 'stalls')
  const slots = dice.sample(Array.from({ length: users }, (_, user) => ({ user, connection: dice.below(connections) })))
  const [viewer, ...others] = Array.from({ length: viewers }, (_, index) => ({ user: users + index, connection: 0 }))
  const order = [...slots.slice(0, 2), viewer, ...slots.slice(2), ...others].slice(0, slow)
  const between = (/** @type {number} */ first, /** @type {number} */ last) => {
    return Math.floor(length * (first + dice.next() * (last - first)))
  }
  return order.map((slot, index) => ({
    slot,
    taste: index % 2 === 0 ? 'tape' : 'book',
    from: between(FIRST_STALL, LAST_STALL),
    until: between(FIRST_RESUMPTION, LAST_RESUMPTION),
  }))
}

/**
 * @param {readonly MarketMessage[]} market
 * @returns {Stream[]}
 */
function publicStreams(market) {
  const streams = market.map(({ streamType, symbol }) => ({ streamType, symbol }))
  return [...new Map(streams.map((stream) => [JSON.stringify(stream), stream])).values()]
}

/**
 * @param {object} user
 * @param {string} user.userId
 * @param {number} user.index
 * @param {number} user.connections
 * @param {Stream[]} user.streams
 * @param {Stall | undefined} user.stall what befalls one of the connections
 * @param {Dice} user.dice
 * @returns {UserPlan}
 */
function planUser({ userId, index, connections, streams, stall, dice }) {
  const privateStreams = pickPrivateStreams(index, dice.pick(streams).symbol)
  const shared = [...dice.sample(stall ? favourites(streams, stall.taste) : streams, 3), ...privateStreams.shared]
  return {
    userId,
    shared,
    connections: Array.from({ length: connections }, (_, connection) => {
      const own = stall?.slot.connection === connection ? plentyOf(stall.taste, streams, dice) : dice.sample(streams, 2)
      // The last one is covered by the user as well: of such a message one copy has to arrive.
      return { over: 'ws', own: [...own, ...privateStreams.own, dice.pick(shared)], mistakes: [] }
    }),
  }
}

/**
 * @param {{ userId: string, streams: Stream[], stall: Stall | undefined, dice: Dice }} viewer
 * @returns {UserPlan}
 */
function planViewer({ userId, streams, stall, dice }) {
  const own = stall ? plentyOf(stall.taste, streams, dice) : dice.sample(streams, 4)
  const { shared, own: ownPrivate } = pickPrivateStreams(0, dice.pick(streams).symbol)
  return { userId, shared: [], connections: [{ over: 'sse', own: [...own, ...shared, ...ownPrivate], mistakes: [] }] }
}

/**
 * More than a slow client can take.
 *
 * @param {Taste} taste
 * @param {Stream[]} streams
 * @param {Dice} dice
 */
function plentyOf(taste, streams, dice) {
  return dice.sample(favourites(streams, taste), MOST_TASTED_STREAMS)
}

/**
 * The public streams of a slow client and its user: one kind alone, so that it is known what becomes of them. A book
 * would be too much for a tape, and nothing that is lost with a book could have been conflated or dropped.
 *
 * @param {Stream[]} streams
 * @param {Taste} taste
 */
function favourites(streams, taste) {
  const found = streams.filter(taste === 'tape' ? isOneOf('PRICE', 'TRADES') : isOneOf('ORDERBOOK'))
  return found.length > 0 ? found : streams
}

/**
 * Private streams in three mixtures of whole type and symbol, user-level and connection-level.
 *
 * Each covers all order updates one way or another, so that every connection has private messages to receive.
 *
 * @param {number} index
 * @param {string | undefined} symbol
 * @returns {{ shared: Stream[], own: Stream[] }}
 */
function pickPrivateStreams(index, symbol) {
  /** @type {(streamType: Stream['streamType']) => Stream} */
  const whole = (streamType) => ({ streamType, symbol: undefined })
  /** @type {(streamType: Stream['streamType']) => Stream} */
  const one = (streamType) => ({ streamType, symbol })
  const mixtures = [
    { shared: [whole('ORDER_UPDATES'), whole('BOT_STATUS')], own: [one('ORDER_UPDATES')] },
    { shared: [whole('ORDER_UPDATES'), one('ORDER_UPDATES'), one('RISK_ALERTS')], own: [whole('USER_DATA')] },
    { shared: [one('ORDER_UPDATES'), whole('USER_DATA')], own: [whole('ORDER_UPDATES'), whole('RISK_ALERTS')] },
  ]
  return mixtures[index % mixtures.length]
}

/**
 * One mistake for each of the first users.
 *
 * @param {UserPlan[]} users
 */
function spreadMistakes(users) {
  for (const [index, mistake] of MISTAKES.entries()) users[index % users.length].connections[0].mistakes.push(mistake)
}

/**
 * @param {{ users: UserPlan[], streams: readonly Stream[], length: number, dice: Dice }} scene
 * @returns {CueDraft[]}
 */
function drawCues({ users, streams, length, dice }) {
  const order = dice.sample(users.map((_, index) => index))
  const slots = order.map((user) => ({ user, connection: dice.below(users[user].connections.length) }))
  return Array.from({ length: Math.max(users.length, EVENTS.length) }, (_, turn) => {
    // All cues of a user go to one connection, one after another: the user's others stay throughout.
    const slot = slots[turn % slots.length]
    const position = drawMoment(length, dice)
    const actions = EVENTS[turn % EVENTS.length]({ user: users[slot.user], slot, streams, dice })
    return actions.map((action) => ({ position, slot, action }))
  }).flat()
}

/**
 * What befalls a viewer.
 *
 * @param {number} user
 * @param {number} length
 * @param {Dice} dice
 * @returns {CueDraft}
 */
function reconnectOf(user, length, dice) {
  return { position: drawMoment(length, dice), slot: { user, connection: 0 }, action: { kind: 'reconnect', manner: 'abrupt' } }
}

/**
 * @param {number} length
 * @param {Dice} dice
 */
function drawMoment(length, dice) {
  return Math.floor(length * (INTERVAL + dice.next() * (LAST_CUE - INTERVAL)))
}

/**
 * Puts cues in order, and says how long who reconnects stays away: not beyond the next cue of the same user, which could not
 * be given meanwhile.
 *
 * @param {readonly CueDraft[]} drafts
 * @param {number} length
 * @param {Dice} dice
 * @returns {Cue[]}
 */
function withReturns(drafts, length, dice) {
  const cues = drafts.toSorted((one, other) => one.position - other.position)
  return cues.map((cue, index) => {
    const { position, slot } = cue
    const next = cues.find((other, place) => place > index && other.slot.user === slot.user)
    const until = position + Math.floor(length * dice.next() * LONGEST_ABSENCE)
    return { ...cue, until: Math.min(until, next?.position ?? Infinity) }
  })
}

/**
 * The streams that the connections of a slot ask for themselves: those from the start to the end of the play, and those that
 * they may ask for at some time.
 *
 * @param {Plan} plan
 * @param {Slot} slot
 */
export function ownStreams(plan, slot) {
  const { own } = plan.users[slot.user].connections[slot.connection]
  const actions = plan.cues.filter((cue) => cue.slot.user === slot.user).map((cue) => cue.action)
  return {
    steady: own.filter((stream) => !actions.some((action) => endsFor(action, ['user', 'connection'], stream))),
    all: [...own, ...actions.flatMap((action) => action.kind === 'subscribe' ? [action.stream] : [])],
  }
}

/**
 * The streams that a slot listens to from its start to the end of the play, reconnects apart.
 *
 * @param {Plan} plan
 * @param {Slot} slot
 * @returns {Stream[]}
 */
export function steadyStreams(plan, slot) {
  const user = plan.users[slot.user]
  const actions = plan.cues.filter((cue) => cue.slot.user === slot.user).map((cue) => cue.action)
  const isAbsent = actions.some(({ kind }) => kind === 'absence')
  const lasts = (/** @type {Stream} */ stream) => !actions.some((action) => endsFor(action, ['user'], stream))
  return [
    ...user.shared.filter((stream) => lasts(stream) && (!isAbsent || outlastsAbsence(stream))),
    ...ownStreams(plan, slot).steady,
  ]
}

/**
 * @param {Action} action
 * @param {readonly Scope[]} scopes
 * @param {Stream} stream
 */
function endsFor(action, scopes, stream) {
  return action.kind === 'unsubscribe' && scopes.includes(action.scope) && sameStream(action.stream, stream)
}

/**
 * Whether a user asks for a stream again after an absence.
 *
 * They ask for less than before: what the server forgot to end would show as messages that nobody asked for.
 *
 * @param {Stream} stream
 */
export function outlastsAbsence(stream) {
  return !isPublic(stream)
}

/**
 * What a slot is called on the wire and in reports, such as `user-07/1`.
 *
 * @param {Plan} plan
 * @param {Slot} slot
 */
export function placeOf(plan, { user, connection }) {
  return `${plan.users[user].userId}/${connection}`
}
