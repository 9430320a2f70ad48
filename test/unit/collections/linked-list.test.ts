import { describe, expect, it } from 'vitest'
import { Chain, type Link } from '../../../src/collections/linked-list.ts'
import { seededRandom } from '../../support/seeded-random.ts'

interface Named extends Link<Named> {
  readonly name: number
}

function link(name: number): Named {
  return { name, earlier: undefined, later: undefined }
}

function chained(count: number) {
  const chain = new Chain<Named>()
  const links = Array.from({ length: count }, (_, name) => link(name))
  for (const each of links) chain.add(each)
  return { chain, links, names: () => Array.from(chain, ({ name }) => name) }
}

describe('Chain', () => {
  it('is empty until something is added, and when all are taken out', () => {
    const { chain, links } = chained(2)
    const wasEmpty = [new Chain<Named>().isEmpty, chain.isEmpty]

    for (const each of links) chain.delete(each)

    expect([...wasEmpty, chain.isEmpty]).toEqual([true, false, true])
    expect([...chain]).toEqual([])
  })

  it.each([
    ['the first', 0, [1, 2]],
    ['one in the middle', 1, [0, 2]],
    ['the last', 2, [0, 1]],
  ])('closes behind %s that is taken out, and goes on from there', (_which, name, left) => {
    const { chain, links, names } = chained(3)

    chain.delete(links[name] as Named)
    expect(names()).toEqual(left)
    chain.add(links[name] as Named)

    expect(names()).toEqual([...left, name])
  })

  it('lets one that is taken out forget its neighbours', () => {
    const { chain, links } = chained(3)

    chain.delete(links[1] as Named)

    expect(links[1]).toStrictEqual(link(1))
  })

  it.each([1, 2, 3])('keeps the order, whoever comes and goes, seed %i', (seed) => {
    const random = seededRandom(seed)
    const { chain, links, names } = chained(20)
    const expected = new Set(links)

    for (let step = 0; step < 1_000; step++) {
      const each = links[Math.floor(random() * links.length)] as Named
      if (expected.delete(each)) {
        chain.delete(each)
      } else {
        chain.add(each)
        expected.add(each)
      }
      expect(names()).toEqual(Array.from(expected, ({ name }) => name))
    }
  })
})
