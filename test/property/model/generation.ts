import fc, { type Arbitrary } from 'fast-check'
import { EVENT_NAMES } from '../../support/event-names.ts'
import { ANYWHERE_FROM, STALE_FROM } from './aim.ts'
import { FAMILIES } from './catalogue.ts'
import {
  type Answer,
  type Content,
  type Authorization,
  type Ending,
  type ExtraFlaw,
  type Extras,
  type Operation,
  type OperationOf,
  type Reaction,
  type ReassignFlaw,
  type RevokedBy,
  type SourceFlaw,
  type Trouble,
} from './operations.ts'
import { STRANGER } from './posts.ts'
import type { Plan } from './sequence.ts'
import type { Setting } from './setting.ts'
import type { Kind } from './sockets.ts'

const DEEPEST = 2

/** Made once for each depth: there are many of them within each other. */
const WITHIN = new Map<number, Arbitrary<Operation>>()

/** Random sequences, aimed: nearly every operation is about something that is there, and about few streams and users. */
export function plans(): Arbitrary<Plan> {
  return fc.record({
    setting: settings(),
    arrivals: fc.array(join(), { minLength: 1, maxLength: 5, size: 'max' }),
    operations: fc.array(operationsAtTop(), { minLength: 1, maxLength: 45, size: 'max' }),
  })
}

// Settings

const KINDS_TOGETHER: readonly (readonly Kind[])[] = [
  ['plain'],
  ['plain', 'polled'],
  ['plain', 'metered', 'polled', 'reporting', 'framed', 'unmeasured'],
  ['polled', 'reporting'],
  ['framed', 'plain'],
  ['metered', 'plain', 'unmeasured'],
]

function settings(): Arbitrary<Setting> {
  return fc.record({
    users: fc.constantFrom(2, 1, 3, 4),
    ids: fc.constantFrom(6, 4, 3),
    favourites: fc.constantFrom(...FAMILIES),
    kinds: weighted<readonly Kind[]>([4, KINDS_TOGETHER[0] ?? []], ...KINDS_TOGETHER.slice(1).map((kinds) => [2, kinds] as const)),
    managerKind: weighted<Kind | undefined>([6, undefined], [1, 'polled'], [1, 'framed']),
    form: weighted<Setting['form']>([3, 'wire'], [3, 'custom'], [1, 'bytes']),
    recorder: weighted<Setting['recorder']>([4, 'none'], [1, 'numbering'], [3, 'skipping']),
    noticeForm: weighted<Setting['noticeForm']>([1, 'wire'], [2, 'own']),
    softLimitBytes: fc.constantFrom(10, 0, 300, Infinity),
    hardLimitBytes: fc.constantFrom(400, 0, 150, Infinity),
    drainIntervalMs: weighted([5, 50], [1, Infinity]),
    maxLagMs: weighted([6, 60_000], [2, 100], [1, 30], [1, 0], [1, Infinity]),
    pendingTtlMs: weighted([3, 100], [1, 0], [1, Infinity]),
    idleDelayMs: fc.constantFrom(20, 0, Infinity),
    closeTimeoutMs: fc.constantFrom(200, 0, Infinity),
    maxDeferred: weighted([5, 10_000], [2, 2], [1, 1], [1, 0]),
    hasAuthorize: fc.boolean(),
    quotas: weighted([2, false], [1, true]).chain((areSmall) => (areSmall ? quotas() : fc.constant(NO_QUOTAS))),
    ending: fc.constantFrom('leave' as const, 'cleanup' as const),
  })
}

const NO_QUOTAS = {
  connections: Infinity,
  connectionsPerUser: 100,
  subscriptionsPerUser: 1_000,
  subscriptionsPerConnection: 1_000,
  messageUnits: 1_048_576,
  pendingUsers: 10_000,
  idleStreams: 10_000,
  filterUnits: 20,
}

/** Each is small now and then, so that the others can be reached at all. */
function quotas(): Arbitrary<Setting['quotas']> {
  const small = <TLimit>(...limits: readonly TLimit[]): Arbitrary<TLimit | number> =>
    weighted<TLimit | number>([3, Infinity], ...limits.map((limit) => [1, limit] as const))
  return fc.record({
    connections: small(3, 4),
    connectionsPerUser: small(2, 1, 3),
    subscriptionsPerUser: small(2, 1, 3, 0),
    subscriptionsPerConnection: small(2, 1, 0),
    messageUnits: small(200, 60),
    pendingUsers: small(0, 1, 2),
    idleStreams: small(1, 2, 0),
    filterUnits: fc.constant(20),
  })
}

// Operations

/** What clients, hosts and feeds do; time passes only here. */
function operationsAtTop(): Arbitrary<Operation> {
  return fc.oneof(
    { weight: 20, arbitrary: join() },
    { weight: 26, arbitrary: publish(0) },
    { weight: 8, arbitrary: subscribe(0) },
    { weight: 9, arbitrary: addSubscription(0) },
    { weight: 2, arbitrary: pend() },
    { weight: 6, arbitrary: unsubscribe() },
    { weight: 4, arbitrary: removeSubscription() },
    { weight: 5, arbitrary: revoke() },
    { weight: 2, arbitrary: regain() },
    { weight: 6, arbitrary: remove(0) },
    { weight: 2, arbitrary: removeUser(0) },
    { weight: 11, arbitrary: reassign(0) },
    { weight: 5, arbitrary: reconnect() },
    { weight: 11, arbitrary: burst() },
    { weight: 9, arbitrary: send(0) },
    { weight: 9, arbitrary: sendText(0) },
    { weight: 3, arbitrary: connect() },
    { weight: 4, arbitrary: armSend(0) },
    { weight: 4, arbitrary: armClose(0) },
    { weight: 1, arbitrary: armFrame(0) },
    { weight: 7, arbitrary: batch(0) },
    { weight: 4, arbitrary: notifyGap(0) },
    { weight: 9, arbitrary: setStreamStatus(0) },
    { weight: 4, arbitrary: purge() },
    { weight: 4, arbitrary: greet(0) },
    { weight: 4, arbitrary: leaveOut(0) },
    { weight: 2, arbitrary: armNewcomer(0) },
    { weight: 5, arbitrary: armListener(0) },
    { weight: 2, arbitrary: listen() },
    { weight: 8, arbitrary: press() },
    { weight: 5, arbitrary: drain() },
    { weight: 3, arbitrary: flush(0) },
    { weight: 1, arbitrary: ask() },
    { weight: 10, arbitrary: fc.constant<OperationOf<'tick'>>({ do: 'tick' }) },
    { weight: 8, arbitrary: advance() },
    { weight: 1, arbitrary: jump() },
    { weight: 2, arbitrary: fc.constant<OperationOf<'recover'>>({ do: 'recover' }) },
    { weight: 1, arbitrary: cleanup() },
  )
}

/** What user code does from within the manager's work. */
function operationsWithin(depth: number): Arbitrary<Operation> {
  const known = WITHIN.get(depth)
  if (known !== undefined) return known
  const operations: Arbitrary<Operation> = fc.oneof(
    { weight: 11, arbitrary: publish(depth) },
    { weight: 7, arbitrary: remove(depth) },
    { weight: 6, arbitrary: unsubscribe() },
    { weight: 6, arbitrary: subscribe(depth) },
    { weight: 3, arbitrary: addSubscription(depth) },
    { weight: 3, arbitrary: removeSubscription() },
    { weight: 5, arbitrary: join() },
    { weight: 6, arbitrary: revoke() },
    { weight: 4, arbitrary: regain() },
    { weight: 2, arbitrary: removeUser(depth) },
    { weight: 9, arbitrary: reassign(depth) },
    { weight: 4, arbitrary: reconnect() },
    { weight: 1, arbitrary: burst() },
    { weight: 4, arbitrary: send(depth) },
    { weight: 5, arbitrary: sendText(depth) },
    { weight: 2, arbitrary: press() },
    { weight: 2, arbitrary: drain() },
    { weight: 4, arbitrary: flush(depth) },
    { weight: 4, arbitrary: batch(depth) },
    { weight: 3, arbitrary: notifyGap(depth) },
    { weight: 5, arbitrary: setStreamStatus(depth) },
    { weight: 4, arbitrary: purge() },
    { weight: 2, arbitrary: greet(depth) },
    { weight: 2, arbitrary: leaveOut(depth) },
    { weight: 5, arbitrary: breakDown() },
    { weight: 1, arbitrary: connect() },
    { weight: 1, arbitrary: cleanup() },
  )
  WITHIN.set(depth, operations)
  return operations
}

function join(): Arbitrary<OperationOf<'join'>> {
  return fc.record({
    do: fc.constant('join' as const),
    user: fc.nat(3),
    id: fc.nat(5),
    kind: fc.nat(5),
    streams: fc.array(fc.nat(ANYWHERE_FROM), { maxLength: 3, size: 'max' }),
    asUser: weighted([2, false], [1, true]),
  })
}

function connect(): Arbitrary<OperationOf<'connect'>> {
  return fc.record({
    do: fc.constant('connect' as const),
    user: fc.nat(3),
    id: fc.nat(5),
    kind: fc.nat(5),
    flaw: fc.constantFrom<OperationOf<'connect'>['flaw']>(undefined, 'same', 'otherSocket', 'otherUser', 'badId', 'badUser', 'badSocket', 'closedSocket'),
  })
}

function subscribe(depth: number): Arbitrary<OperationOf<'subscribe'>> {
  return fc.record({
    do: fc.constant('subscribe' as const),
    who: who(),
    stream: anyStream(),
    filters: seldom(),
    authorization: authorization(depth),
    flaw: subscribeFlaw(),
  })
}

function addSubscription(depth: number): Arbitrary<OperationOf<'addSubscription'>> {
  return fc.record({
    do: fc.constant('addSubscription' as const),
    user: fc.nat(3),
    stream: anyStream(),
    whose: weighted<OperationOf<'addSubscription'>['whose']>([2, 'anybody'], [2, 'absent'], [2, 'again']),
    filters: seldom(),
    authorization: authorization(depth),
    flaw: subscribeFlaw(),
  })
}

function pend(): Arbitrary<OperationOf<'pend'>> {
  return fc.record({ do: fc.constant('pend' as const), user: fc.nat(3), stream: fc.nat(9), visits: fc.boolean() })
}

function unsubscribe(): Arbitrary<OperationOf<'unsubscribe'>> {
  return fc.record({ do: fc.constant('unsubscribe' as const), which: fc.nat(19) })
}

function removeSubscription(): Arbitrary<OperationOf<'removeSubscription'>> {
  return fc.record({ do: fc.constant('removeSubscription' as const), which: fc.nat(19) })
}

function revoke(): Arbitrary<OperationOf<'revoke'>> {
  return fc.record({
    do: fc.constant('revoke' as const),
    which: fc.nat(19),
    by: revokedBy(),
    comeBack: weighted([2, false], [1, true]),
    flaw: rarely<Exclude<OperationOf<'revoke'>['flaw'], undefined>>(
      'nothing',
      'unknownType',
      'symbolTooMuch',
      'badUser',
      'badSymbol',
      'unknownField',
    ),
  })
}

function regain(): Arbitrary<OperationOf<'regain'>> {
  return fc.record({
    do: fc.constant('regain' as const),
    where: fc.nat(5),
    by: revokedBy(),
    when: fc.constantFrom('meanwhile' as const, 'recorded' as const, 'afterwards' as const),
  })
}

function greet(depth: number): Arbitrary<OperationOf<'greet'>> {
  return fc.record({ do: fc.constant('greet' as const), where: fc.nat(5), id: fc.nat(5), kind: fc.nat(5), meanwhile: aboutOne(depth) })
}

function leaveOut(depth: number): Arbitrary<OperationOf<'leaveOut'>> {
  return fc.record({
    do: fc.constant('leaveOut' as const),
    where: fc.nat(5),
    who: fc.nat(3),
    when: fc.constantFrom('skipped' as const, 'sent' as const),
    meanwhile: aboutOne(depth),
  })
}

/** What may happen to one connection, and nothing else. */
function aboutOne(depth: number): Arbitrary<readonly Operation[]> {
  if (depth >= DEEPEST) return fc.constant([])
  const one = fc.oneof<Arbitrary<Operation>[]>(reassign(DEEPEST), remove(DEEPEST), unsubscribe(), purge(), setStreamStatus(DEEPEST), subscribe(DEEPEST))
  return fc.array(one.map((operation) => ('who' in operation ? { ...operation, who: 0 } : operation)), { minLength: 1, maxLength: 2, size: 'max' })
}

function revokedBy(): Arbitrary<RevokedBy> {
  return fc.constantFrom<RevokedBy>('userType', 'user', 'type', 'symbol', 'userSymbol', 'typeSymbol')
}

function remove(depth: number): Arbitrary<OperationOf<'remove'>> {
  return fc.record({
    do: fc.constant('remove' as const),
    who: who(),
    how: weighted<Ending>([4, 'close'], [4, 'gone'], [4, 'onClose'], [4, 'byId'], [3, 'told'], [1, 'badCode'], [1, 'badReason']),
    handedOn: handedOn(depth),
  })
}

function reassign(depth: number): Arbitrary<OperationOf<'reassign'>> {
  return fc.record({
    do: fc.constant('reassign' as const),
    who: who(),
    user: fc.nat(3),
    isSame: weighted([9, false], [1, true]),
    isAwaited: weighted([3, false], [1, true]),
    isProbed: weighted([2, false], [1, true]),
    answers: fc.array(authorizationAnswer(), { minLength: 1, maxLength: 3, size: 'max' }),
    meanwhile: sometimes(depth),
    handedOn: handedOn(depth),
    flaw: rarely<ReassignFlaw>('badUser', 'noUser'),
  })
}

function removeUser(depth: number): Arbitrary<OperationOf<'removeUser'>> {
  return fc.record({ do: fc.constant('removeUser' as const), user: fc.nat(3), handedOn: handedOn(depth) })
}

function handedOn(depth: number): Arbitrary<Reaction> {
  return fc.record({ answer: fc.constantFrom<Answer>('ok', 'ok', 'throw', 'reject'), meanwhile: meanwhile(depth) })
}

function reconnect(): Arbitrary<OperationOf<'reconnect'>> {
  return fc.record({
    do: fc.constant('reconnect' as const),
    who: fc.nat(5),
    how: fc.constantFrom('close' as const, 'gone' as const),
    kind: fc.nat(5),
    isSentTo: fc.boolean(),
  })
}

function breakDown(): Arbitrary<OperationOf<'breakDown'>> {
  return fc.record({ do: fc.constant('breakDown' as const), who: fc.nat(5) })
}

function burst(): Arbitrary<OperationOf<'burst'>> {
  return fc.record({
    do: fc.constant('burst' as const),
    who: fc.nat(5),
    paddings: fc.array(fc.constantFrom(0, 0, 20, 100), { minLength: 1, maxLength: 8, size: 'max' }),
    first: fc.nat(3),
    accepts: weighted<OperationOf<'burst'>['accepts']>([2, 'one'], [2, 'all'], [1, 'none']),
    then: weighted<OperationOf<'burst'>['then']>([2, 'tick'], [2, 'drained'], [3, 'nothing']),
  })
}

function publish(depth: number): Arbitrary<OperationOf<'publish'>> {
  return fc.record({
    do: fc.constant('publish' as const),
    where: weighted([12, 0], [1, ANYWHERE_FROM]).chain((from) => fc.nat(from === 0 ? 9 : 5).map((n) => from + n)),
    content: content(depth),
    extras: extras(depth),
    troubles: troubles(depth),
    flaw: messageFlaw(),
  })
}

function extras(depth: number): Arbitrary<Extras> {
  const except = weighted([3, 0], [3, 1], [1, 2]).chain((count) => fc.array(exceptOne(), { minLength: count, maxLength: count }))
  const rarelyMore = depth >= DEEPEST ? fc.constant(undefined) : fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: recording(depth) })
  return fc.record({ except, hasText: seldom(), recorded: rarelyMore, skipped: rarelyMore, flaw: rarely<ExtraFlaw>('badExcept', 'badText', 'unknownOption') })
}

function exceptOne(): Arbitrary<number> {
  return weighted([9, 0], [1, STALE_FROM + 2], [1, STRANGER]).chain((from) => fc.nat(from === 0 ? 7 : 3).map((n) => from + n))
}

function batch(depth: number): Arbitrary<OperationOf<'batch'>> {
  if (depth >= DEEPEST) return fc.constant({ do: 'batch', steps: [], ending: 'returns' })
  return fc.record({
    do: fc.constant('batch' as const),
    steps: fc.oneof(
      { weight: 3, arbitrary: fc.array(operationsWithin(depth + 1), { maxLength: 4, size: 'max' }) },
      { weight: 1, arbitrary: fc.array(publish(depth + 1), { minLength: 2, maxLength: 4, size: 'max' }) },
    ),
    ending: weighted<OperationOf<'batch'>['ending']>([6, 'returns'], [2, 'throws'], [1, 'promise']),
  })
}

function notifyGap(depth: number): Arbitrary<OperationOf<'notifyGap'>> {
  return fc.record({
    do: fc.constant('notifyGap' as const),
    where: fc.nat(9),
    isOfAll: seldom(),
    isCounted: fc.boolean(),
    made: making(depth),
    flaw: rarely(...SOURCE_FLAWS),
  })
}

function setStreamStatus(depth: number): Arbitrary<OperationOf<'setStreamStatus'>> {
  return fc.record({
    do: fc.constant('setStreamStatus' as const),
    where: fc.nat(9),
    status: weighted<OperationOf<'setStreamStatus'>['status']>([3, 'ERROR'], [2, 'RECONNECTING'], [2, 'CONNECTED']),
    made: making(depth),
    flaw: rarely(...SOURCE_FLAWS),
  })
}

const SOURCE_FLAWS: readonly SourceFlaw[] = [
  'unknownType', 'noSymbol', 'symbolTooMuch', 'badSymbol', 'recipientTooMuch', 'noRecipient', 'badRecipient', 'unknownField', 'nothing', 'badFact',
]

/** What `serializeNotice` or a recorder does: mostly well. */
function making(depth: number): Arbitrary<Reaction> {
  const answer = weighted<Answer>([8, 'ok'], [1, 'throw'], [1, 'reject'], [1, 'resolve'], [1, 'passOn'])
  return fc.record({ answer, meanwhile: sometimes(depth) })
}

function recording(depth: number): Arbitrary<Reaction> {
  const answer = weighted<Answer>([12, 'ok'], [1, 'throw'], [1, 'reject'], [1, 'resolve'], [1, 'passOn'])
  return fc.record({ answer, meanwhile: meanwhile(depth) })
}

function armNewcomer(depth: number): Arbitrary<OperationOf<'armNewcomer'>> {
  return fc.record({ do: fc.constant('armNewcomer' as const), reaction: fc.record({ answer: fc.constantFrom<Answer>('ok', 'ok', 'ok', 'throw', 'reject'), meanwhile: meanwhile(depth) }) })
}

function purge(): Arbitrary<OperationOf<'purge'>> {
  return fc.record({
    do: fc.constant('purge' as const),
    who: who(),
    stream: fc.nat(9),
    isOfType: seldom(),
    flaw: rarely<Exclude<OperationOf<'purge'>['flaw'], undefined>>('nothing', 'unknownField'),
  })
}

function send(depth: number): Arbitrary<OperationOf<'send'>> {
  return fc.record({
    do: fc.constant('send' as const),
    way: fc.constantFrom('sendToUser' as const, 'broadcast' as const, 'sendToConnection' as const),
    who: who(),
    stream: anyStream(),
    recipient: weighted<OperationOf<'send'>['recipient']>([3, 'none'], [2, 'right'], [1, 'wrong']),
    content: content(depth),
    extras: extras(depth),
    troubles: troubles(depth),
    flaw: messageFlaw(),
  })
}

function sendText(depth: number): Arbitrary<OperationOf<'sendText'>> {
  return fc.record({
    do: fc.constant('sendText' as const),
    who: who(),
    padding: weighted([4, 0], [2, 20], [1, 300]),
    flaw: rarely<Exclude<OperationOf<'sendText'>['flaw'], undefined>>('noText', 'tooLong'),
    troubles: troubles(depth),
  })
}

function armSend(depth: number): Arbitrary<OperationOf<'armSend'>> {
  return fc.record({
    do: fc.constant('armSend' as const),
    who: who(),
    reaction: reaction(depth, ['ok', 'throw', 'reject', 'hang', 'passOn', 'resolve']),
  })
}

function armClose(depth: number): Arbitrary<OperationOf<'armClose'>> {
  return fc.record({
    do: fc.constant('armClose' as const),
    who: who(),
    reaction: reaction(depth, ['ok', 'throw', 'reject', 'hang', 'resolve']),
  })
}

function armFrame(depth: number): Arbitrary<OperationOf<'armFrame'>> {
  return fc.record({ do: fc.constant('armFrame' as const), reaction: reaction(depth, ['ok', 'throw', 'passOn']) })
}

function armListener(depth: number): Arbitrary<OperationOf<'armListener'>> {
  return fc.record({
    do: fc.constant('armListener' as const),
    event: fc.nat(EVENT_NAMES.length - 1),
    reaction: reaction(depth, ['ok', 'ok', 'throw', 'reject', 'passOn']),
  })
}

function listen(): Arbitrary<OperationOf<'listen'>> {
  return fc.record({ do: fc.constant('listen' as const), event: fc.nat(EVENT_NAMES.length - 1), isOff: seldom() })
}

function press(): Arbitrary<OperationOf<'press'>> {
  return fc.record({
    do: fc.constant('press' as const),
    who: who(),
    buffered: weighted<OperationOf<'press'>['buffered']>([4, 'much'], [2, 'little'], [2, 'nothing'], [1, 'nonsense']),
    accepts: weighted<OperationOf<'press'>['accepts']>([3, 'all'], [1, 'none'], [2, 'one']),
  })
}

function drain(): Arbitrary<OperationOf<'drain'>> {
  return fc.record({
    do: fc.constant('drain' as const),
    who: who(),
    tells: fc.constantFrom('drained' as const, 'listener' as const, 'nobody' as const),
  })
}

function flush(depth: number): Arbitrary<OperationOf<'flush'>> {
  return fc.record({ do: fc.constant('flush' as const), who: who(), handedOn: handedOn(depth) })
}

function ask(): Arbitrary<OperationOf<'ask'>> {
  return fc.record({ do: fc.constant('ask' as const), who: fc.nat(6) })
}

function advance(): Arbitrary<OperationOf<'advance'>> {
  return fc.record({ do: fc.constant('advance' as const), by: weighted([2, 0], [3, 10]).chain((most) => fc.nat(most)) })
}

function jump(): Arbitrary<OperationOf<'jump'>> {
  return fc.record({ do: fc.constant('jump' as const), ms: fc.constantFrom(1_000, -1_000, 86_400_000) })
}

function cleanup(): Arbitrary<OperationOf<'cleanup'>> {
  return fc.record({ do: fc.constant('cleanup' as const), deadline: fc.nat(3) })
}

// What they carry

/** Mostly one that is there, now and then one that is gone. */
function who(): Arbitrary<number> {
  return weighted([9, false], [1, true]).chain((isStale) => fc.nat(isStale ? 9 : 5).map((n) => (isStale ? STALE_FROM + n : n)))
}

function anyStream(): Arbitrary<number> {
  return weighted([9, 0], [1, ANYWHERE_FROM]).chain((from) => fc.nat(9).map((n) => from + n))
}

function troubles(depth: number): Arbitrary<readonly Trouble[]> {
  if (depth >= DEEPEST) return fc.constant([])
  const trouble = fc.record({
    recipient: fc.nat(3),
    reaction: reaction(depth, ['ok', 'ok', 'throw', 'reject', 'hang', 'passOn', 'resolve']),
  })
  return weighted([3, 0], [4, 1], [2, 2], [1, 3]).chain((count) => fc.array(trouble, { minLength: count, maxLength: count }))
}

function reaction(depth: number, answers: readonly Answer[]): Arbitrary<Reaction> {
  return fc.record({ answer: fc.constantFrom(...answers), meanwhile: meanwhile(depth) })
}

function authorization(depth: number): Arbitrary<Authorization> {
  return fc.record({ answer: authorizationAnswer(), meanwhile: sometimes(depth) })
}

function authorizationAnswer(): Arbitrary<Authorization['answer']> {
  return weighted<Authorization['answer']>([16, 'yes'], [1, 'no'], [1, 'truthy'], [1, 'throw'], [1, 'promise'], [1, 'rejection'])
}

function content(depth: number): Arbitrary<Content> {
  const form = weighted<Content['form']>([12, 'object'], [2, 'raw'], [1, 'throwing'], [1, 'formless'])
  return fc.record({ form, padding: weighted([4, 0], [2, 20], [1, 300]), meanwhile: sometimes(depth) })
}

function meanwhile(depth: number): Arbitrary<readonly Operation[]> {
  if (depth >= DEEPEST) return fc.constant([])
  return fc.array(operationsWithin(depth + 1), { maxLength: 3, size: 'max' })
}

function sometimes(depth: number): Arbitrary<readonly Operation[]> {
  if (depth >= DEEPEST) return fc.constant([])
  const [none, some] = [0, 2].map((maxLength) => fc.array(operationsWithin(depth + 1), { maxLength }))
  return none && some ? fc.oneof({ weight: depth === 0 ? 5 : 2, arbitrary: none }, { weight: 1, arbitrary: some }) : fc.constant([])
}

function seldom(): Arbitrary<boolean> {
  return weighted([4, false], [1, true])
}

function subscribeFlaw(): Arbitrary<OperationOf<'subscribe'>['flaw']> {
  return rarely<Exclude<OperationOf<'subscribe'>['flaw'], undefined>>(
    'unknownType',
    'noSymbol',
    'symbolTooMuch',
    'badSymbol',
    'badUser',
    'otherUser',
    'badFilters',
    'longFilters',
    'unknownField',
    'nothing',
  )
}

function messageFlaw(): Arbitrary<OperationOf<'publish'>['flaw']> {
  return rarely<Exclude<OperationOf<'publish'>['flaw'], undefined>>(
    'unknownType',
    'noSymbol',
    'symbolTooMuch',
    'badSymbol',
    'recipientTooMuch',
    'noRecipient',
    'badRecipient',
    'badTimestamp',
    'nothing',
  )
}

function rarely<TFlaw>(...flaws: readonly TFlaw[]): Arbitrary<TFlaw | undefined> {
  return fc.oneof({ weight: 14, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(...flaws) })
}

/** Each value as often as it weighs; the first is the simplest. */
function weighted<TValue>(...values: readonly (readonly [weight: number, value: TValue])[]): Arbitrary<TValue> {
  return fc.oneof({ withCrossShrink: true }, ...values.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })))
}
