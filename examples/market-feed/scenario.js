import { parseFeed } from './feed.js'
import { generateMarket } from './market.js'
import { drawPlan, nameUsers, nameViewers } from './plan.js'
import { drawTimeline } from './timeline.js'

/** @import { Options } from './options.js' */
/** @import { Plan } from './plan.js' */
/** @import { TimelineMessage } from './timeline.js' */

/** @typedef {{ timeline: TimelineMessage[], plan: Plan }} Scenario */

/**
 * All that is to happen. Both processes draw it for themselves, so neither depends on what the other says.
 *
 * @param {Options} options
 * @param {Uint8Array | undefined} feed the bytes of a recorded feed
 * @returns {Scenario}
 */
export function drawScenario({ feed: name = 'feed', seed, users, connections, slow }, feed) {
  const market = feed ? parseFeed(feed, name) : generateMarket(seed)
  const userIds = nameUsers(users)
  const viewerIds = nameViewers()
  const timeline = drawTimeline(market, [...userIds, ...viewerIds], seed)
  const plan = drawPlan({ market, userIds, viewerIds, connections, slow, length: timeline.length, seed })
  return { timeline, plan }
}
