import { readFileSync } from 'node:fs'
import vm from 'node:vm'
import { describe, expect, it } from 'vitest'
import type * as Library from '../../../src/index.ts'

const BUILT = new URL('../../../dist/index.cjs', import.meta.url)
const HOST_GLOBALS = ['process', 'require', 'module', 'Buffer', 'performance', 'setTimeout', 'clearTimeout', 'queueMicrotask', 'structuredClone', 'TextEncoder', 'URL', 'window']

/** A `Symbol` without `asyncDispose`, as in older engines. The property of a real `Symbol` cannot be deleted. */
const OLD_SYMBOL = `{
  const { asyncDispose, ...old } = Object.getOwnPropertyDescriptors(Symbol)
  const make = Symbol
  globalThis.Symbol = Object.defineProperties((description) => make(description), old)
}`

/** Runs the built library in a realm with the language alone, without the globals of Node or a browser. */
function loadedWithoutHost(): { readonly library: typeof Library; readonly realm: vm.Context } {
  const realm = vm.createContext(Object.create(null) as object, { codeGeneration: { strings: false, wasm: false } })
  vm.runInContext(OLD_SYMBOL, realm)
  const module = { exports: {} }
  const load = vm.compileFunction(readFileSync(BUILT, 'utf8'), ['module', 'exports'], { parsingContext: realm })
  load(module, module.exports)
  return { library: module.exports as typeof Library, realm }
}

describe('the library without a host', () => {
  it('runs in a realm without host globals', () => {
    const { realm } = loadedWithoutHost()

    const present = HOST_GLOBALS.filter((name) => vm.runInContext(`typeof ${name}`, realm) !== 'undefined')

    expect(present).toEqual([])
  })

  it('writes and reads messages, as in a browser', () => {
    const { library, realm } = loadedWithoutHost()
    const { createStreamMessage, parseStreamMessage, serializeStreamMessage } = library

    const text = serializeStreamMessage(createStreamMessage({ streamType: 'PRICE', symbol: 'BTCUSDT', data: { bid: 1 } }))
    const message = parseStreamMessage(text)

    expect(text).toMatch(/^{"stream_type":"PRICE","symbol":"BTCUSDT","data":{"bid":1},"timestamp":"[^"]+Z","user_id":null}$/)
    expect(message).toMatchObject({ streamType: 'PRICE', symbol: 'BTCUSDT', data: { bid: 1 } })
    expect(vm.runInContext('Date.prototype', realm)).toBe(Object.getPrototypeOf(message.timestamp))
  })

  it('refuses an invalid message with an error of its own realm', () => {
    const { library } = loadedWithoutHost()

    expect(() => library.parseStreamMessage('{"stream_type":')).toThrow(
      expect.objectContaining({ name: 'ConnectionManagerError', code: 'ERR_INVALID_MESSAGE' }) as Error,
    )
  })

  it('makes keys, catalogues and raw JSON', () => {
    const { defineStreams, parseSubscriptionKey, rawJson, serializeStreamMessage, subscriptionKey } = loadedWithoutHost().library
    const streams = defineStreams({ NEWS: { audience: 'public', symbol: 'none' } })

    const key = subscriptionKey({ userId: 'a:b', streamType: 'NEWS' })
    const text = serializeStreamMessage({ streamType: 'NEWS', data: rawJson('[1.0]', { validate: true }) }, { streams })

    expect(parseSubscriptionKey(key)).toEqual({ userId: 'a:b', streamType: 'NEWS', symbol: undefined })
    expect(text).toContain('"data":[1.0],')
  })

  it('runs a manager that is given a clock, and adds no method for a symbol that does not exist', async () => {
    const { library, realm } = loadedWithoutHost()
    const clock = { now: () => 0, monotonic: () => 0, setTimeout: () => () => {} }
    const manager = new library.ConnectionManager({ clock })
    const sent: string[] = []
    manager.addConnection('c1', { send: (text) => void sent.push(text), close() {} }, 'alice')
    manager.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' })

    const result = manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: 1 })
    const report = await manager.cleanup()

    expect(result).toMatchObject({ matched: 1, sent: 1 })
    expect(sent).toEqual(['{"stream_type":"PRICE","symbol":"BTCUSDT","data":1,"timestamp":"1970-01-01T00:00:00.000Z","user_id":null}'])
    expect(report).toEqual({ closed: 1, failed: 0, timedOut: 0 })
    expect(vm.runInContext('typeof Symbol.asyncDispose', realm)).toBe('undefined')
    expect('undefined' in manager).toBe(false)
  })
})
