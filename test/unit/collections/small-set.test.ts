import { describe, expect, it } from 'vitest'
import { countOf, membersOf, SmallSetBy, type SmallSet } from '../../../src/collections/small-set.ts'
import { collectGarbage } from '../../support/garbage.ts'
import { seededRandom } from '../../support/seeded-random.ts'

interface Member {
  readonly name: string
}

const MEMBERS = new SmallSetBy<string, Member>(({ name }) => name)

function named(...names: readonly (string | number)[]): Member[] {
  return names.map((name) => ({ name: String(name) }))
}

function setOf(members: readonly Member[]): SmallSet<string, Member> {
  return members.reduce<SmallSet<string, Member>>((all, member) => MEMBERS.including(all, member), undefined)
}

const upTo = (count: number) => named(...Array.from({ length: count }, (_, i) => i))

describe('SmallSet', () => {
  it('is undefined without members, and the member itself if there is one', () => {
    const [alice, bob] = named('alice', 'bob') as [Member, Member]

    expect(setOf([])).toBeUndefined()
    expect(setOf([alice])).toBe(alice)
    expect(MEMBERS.without(alice, alice)).toBeUndefined()
    expect(MEMBERS.without(setOf([alice, bob]), alice)).toBe(bob)
  })

  it('is an array up to sixteen members, a Map from seventeen on, and an array again at eight', () => {
    const members = upTo(17)
    const shapeOf = (value: SmallSet<string, Member>) => (value instanceof Map ? 'Map' : Array.isArray(value) ? 'array' : typeof value)
    let value: SmallSet<string, Member>
    const growing = members.map((member) => shapeOf((value = MEMBERS.including(value, member))))
    const shrinking = members.map((member) => shapeOf((value = MEMBERS.without(value, member))))

    expect(growing).toEqual(['object', ...Array<string>(15).fill('array'), 'Map'])
    expect(shrinking).toEqual([...Array<string>(8).fill('Map'), ...Array<string>(7).fill('array'), 'object', 'undefined'])
  })

  it.each([1, 2, 16, 17, 40])('finds each of %i members by its key, and none by another key', (count) => {
    const members = upTo(count)
    const all = setOf(members)

    expect(members.map(({ name }) => MEMBERS.find(all, name))).toEqual(members)
    expect(MEMBERS.find(all, 'another')).toBeUndefined()
    expect(countOf(all)).toBe(count)
  })

  it('finds no member in an empty set', () => {
    expect(MEMBERS.find(undefined, 'another')).toBeUndefined()
    expect([countOf(undefined), membersOf(undefined)]).toEqual([0, []])
  })

  it.each([1, 2, 16, 17])('does not change when an item that is not one of its %i members is removed', (count) => {
    const all = setOf(upTo(count))

    expect(MEMBERS.without(all, { name: 'another' })).toEqual(all)
    expect(countOf(MEMBERS.without(all, { name: 'another' }))).toBe(count)
  })

  it.each([1, 2, 16, 17])('returns a snapshot of its %i members, which later changes do not affect', (count) => {
    const members = upTo(count)
    let all = setOf(members)
    const visited: Member[] = []

    for (const member of membersOf(all)) {
      visited.push(member)
      for (const each of members) all = MEMBERS.without(all, each)
      all = MEMBERS.including(all, { name: `after ${member.name}` })
    }

    expect(visited).toEqual(members)
    expect(membersOf(all)).toHaveLength(count)
  })

  it('shares its array with another set of the same members only', () => {
    const [alice, bob, carol, dave] = named('alice', 'bob', 'carol', 'dave') as [Member, Member, Member, Member]
    const others = setOf([alice, bob, carol])

    expect(MEMBERS.includingAlike(setOf([alice, bob]), carol, others)).toBe(others)
    expect(membersOf(MEMBERS.includingAlike(setOf([alice, bob]), dave, others))).toEqual([alice, bob, dave])
    expect(membersOf(MEMBERS.includingAlike(setOf([alice, dave]), carol, others))).toEqual([alice, dave, carol])
    expect(membersOf(MEMBERS.includingAlike(alice, bob, others))).toEqual([alice, bob])
    expect(MEMBERS.includingAlike(undefined, alice, others)).toBe(alice)
    expect(MEMBERS.includingAlike(undefined, bob, alice)).toBe(bob)
  })

  it('has its own Map, even if another set has the same members', () => {
    const members = upTo(17)
    const others = setOf(members)

    const all = MEMBERS.includingAlike(setOf(members.slice(0, 16)), members[16] as Member, others)

    expect(all).toEqual(others)
    expect(all).not.toBe(others)
  })

  it('takes up only the room of its six members', async () => {
    const members = upTo(6)
    await collectGarbage()
    const before = process.memoryUsage().heapUsed

    const kept = Array.from({ length: 20_000 }, () => setOf(members))
    await collectGarbage()

    const bytesEach = (process.memoryUsage().heapUsed - before) / kept.length
    // Sixteen extra places would take 128 bytes.
    expect(bytesEach).toBeLessThan(150)
  })

  it.each([1, 2, 3])('keeps the order of insertion through random additions and removals, seed %i', (seed) => {
    const random = seededRandom(seed)
    const expected = new Map<string, Member>()
    let all: SmallSet<string, Member>

    for (let step = 0; step < 2_000; step++) {
      // Grows beyond the limit and shrinks to nothing, alternately.
      const isGrowing = Math.floor(step / 100) % 2 === 0
      const name = String(Math.floor(random() * 30))
      const known = expected.get(name)
      if (known === undefined && random() < (isGrowing ? 0.9 : 0.2)) {
        const member = { name }
        expected.set(name, member)
        all = MEMBERS.including(all, member)
      } else if (known !== undefined && random() < (isGrowing ? 0.2 : 0.9)) {
        expected.delete(name)
        all = MEMBERS.without(all, known)
      }
      expect(membersOf(all)).toEqual([...expected.values()])
      expect(countOf(all)).toBe(expected.size)
    }
  })
})
