import { useEffect, useState } from 'react'

const NOTHING = { data: undefined, missing: 0, isOver: false }

/**
 * Returns the newest message of a stream, and what is known of those that are lost.
 *
 * @param {import('../../dist/client.js').Client} client make it once, outside of all components
 * @param {'PRICE' | 'TRADES' | 'ORDERBOOK'} streamType
 * @param {string} symbol
 */
export function useStream(client, streamType, symbol) {
  const [latest, setLatest] = useState(NOTHING)
  useEffect(() => {
    setLatest(NOTHING)
    const { unsubscribe } = client.subscribe({ streamType, symbol }, ({ type, ...update }) => {
      if (type === undefined) setLatest((before) => ({ ...before, data: update.data }))
      else if (type === 'gap') setLatest((before) => ({ ...before, missing: before.missing + (update.dropped ?? 1) }))
      else if (type === 'ended') setLatest((before) => ({ ...before, isOver: true }))
    })
    return unsubscribe
  }, [client, streamType, symbol])
  return latest
}
