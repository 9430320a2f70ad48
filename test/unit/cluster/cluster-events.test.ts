import { afterEach, describe, expect, it, vi } from 'vitest'
import { ClusterListeners } from '../../../src/cluster/cluster-events.ts'

afterEach(() => void vi.restoreAllMocks())

describe('ClusterListeners', () => {
  it('calls each listener of an event, until it is removed', () => {
    const listeners = new ClusterListeners()
    const heard: unknown[] = []
    const listener = (status: unknown): void => void heard.push(status)
    const remove = listeners.on('status', listener)
    listeners.on('status', listener)
    listeners.emit('status', 'up')
    remove()
    remove()
    listeners.emit('status', 'down')

    expect(heard).toEqual(['up', 'up', 'down'])
  })

  it('gives what a listener throws to the listeners of `error`, and goes on', () => {
    const listeners = new ClusterListeners()
    const heard: unknown[] = []
    listeners.on('error', (error) => void heard.push(error))
    listeners.on('status', () => { throw new Error('broken') })
    listeners.on('status', (status) => void heard.push(status))
    listeners.emit('status', 'up')

    expect(heard).toEqual([new Error('broken'), 'up'])
  })

  it('swallows what a listener of `error` throws, and a promise that rejects', async () => {
    const listeners = new ClusterListeners()
    const heard: unknown[] = []
    listeners.on('error', () => { throw new Error('broken') })
    listeners.on('error', () => Promise.reject(new Error('broken')))
    listeners.on('error', (error) => void heard.push(error))
    listeners.emit('error', 1)
    await Promise.resolve()

    expect(heard).toEqual([1])
  })

  it('prints the first error that nobody listens to', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const listeners = new ClusterListeners()
    listeners.emit('error', new Error('first'))
    listeners.emit('error', new Error('second'))

    expect(warn).toHaveBeenCalledTimes(1)
    expect(warn.mock.calls[0]).toContainEqual(new Error('first'))
  })

  it('does without a console that throws, or that is not there', () => {
    vi.spyOn(console, 'warn').mockImplementation(() => { throw new Error('no console') })
    expect(() => new ClusterListeners().emit('error', 1)).not.toThrow()
    vi.stubGlobal('console', undefined)
    expect(() => new ClusterListeners().emit('error', 1)).not.toThrow()
    vi.unstubAllGlobals()
  })

  it('refuses an event that there is not, and a listener that is no function', () => {
    const listeners = new ClusterListeners()

    expect(() => listeners.on('toString' as never, () => {})).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => listeners.on('status', {} as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
