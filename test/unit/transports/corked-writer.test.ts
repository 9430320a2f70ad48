import { describe, expect, it } from 'vitest'
import { CorkedWriter } from '../../../src/transports/corked-writer.ts'
import { collectGarbage } from '../../support/garbage.ts'

/** Records its calls, and drops texts as scripted. */
class NotingSocket {
  readonly calls: string[] = []
  onSend = (_text: string): number => 1

  send(text: string): number {
    this.calls.push(text)
    return this.onSend(text)
  }

  cork(callback: () => void): void {
    this.calls.push('[')
    callback()
    this.calls.push(']')
  }
}

const sendOne = (socket: NotingSocket, text: string | Uint8Array): number => socket.send(text as string)
const isDropped = (_socket: NotingSocket, status: number): boolean => status === 0

describe('CorkedWriter', () => {
  it('corks several texts, and sends a single one without a cork', () => {
    const socket = new NotingSocket()
    const writer = new CorkedWriter(sendOne, isDropped)

    expect([writer.write(socket, ['a', 'b']), writer.write(socket, ['c'])]).toEqual([2, 1])
    expect(socket.calls).toEqual(['[', 'a', 'b', ']', 'c'])
  })

  it.each([
    [['a', 'b', 'c'], 'b', 1, ['[', 'a', 'b', ']']],
    [['a', 'b'], 'a', 0, ['[', 'a', ']']],
    [['a'], 'a', 0, ['a']],
  ])('sends no text of %j after %s was dropped: %i accepted', (texts, dropped, accepted, calls) => {
    const socket = new NotingSocket()
    socket.onSend = (text) => (text === dropped ? 0 : 1)

    expect(new CorkedWriter(sendOne, isDropped).write(socket, texts)).toBe(accepted)
    expect(socket.calls).toEqual(calls)
  })

  it('accepts nothing if the socket does not call back, whatever was sent before', () => {
    const writer = new CorkedWriter(sendOne, isDropped)
    const [open, closed] = [new NotingSocket(), new NotingSocket()]
    closed.cork = () => {}

    expect([writer.write(open, ['a', 'b']), writer.write(closed, ['a', 'b'])]).toEqual([2, 0])
    expect(closed.calls).toEqual([])
  })

  it('keeps two sockets apart if one is written to from within a write to the other', () => {
    const writer = new CorkedWriter(sendOne, isDropped)
    const [outer, inner] = [new NotingSocket(), new NotingSocket()]
    const nested: number[] = []
    outer.onSend = (text) => {
      if (text === 'b') nested.push(writer.write(inner, ['x', 'y', 'z']))
      return text === 'c' ? 0 : 1
    }

    expect(writer.write(outer, ['a', 'b', 'c', 'd'])).toBe(2)
    expect(nested).toEqual([3])
    expect([outer.calls, inner.calls]).toEqual([['[', 'a', 'b', 'c', ']'], ['[', 'x', 'y', 'z', ']']])
  })

  it('throws the error of a socket, and then writes to the next one', () => {
    const writer = new CorkedWriter(sendOne, isDropped)
    const [broken, whole] = [new NotingSocket(), new NotingSocket()]
    broken.onSend = () => { throw new Error('broken') }

    expect(() => writer.write(broken, ['a', 'b'])).toThrow('broken')
    expect(writer.write(whole, ['a', 'b'])).toBe(2)
  })

  it('retains neither socket nor texts after a write, even if the socket throws', async () => {
    const writer = new CorkedWriter(sendOne, isDropped)
    const written = ((): WeakRef<object>[] => {
      const [socket, texts] = [new NotingSocket(), ['a', 'b']]
      socket.onSend = () => { throw new Error('broken') }
      expect(() => writer.write(socket, texts)).toThrow('broken')
      return [new WeakRef(socket), new WeakRef(texts)]
    })()

    await collectGarbage()

    expect(written.map((each) => each.deref())).toEqual([undefined, undefined])
    expect(writer.write(new NotingSocket(), ['c', 'd'])).toBe(2)
  })
})
