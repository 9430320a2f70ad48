/** The beginning of the name of each series, and of each attribute. */
export const PREFIX = 'stream_connection_manager.'

/** A number that is read from an object when metrics are collected. */
export interface Series<TSource> {
  readonly kind: 'Counter' | 'Gauge' | 'UpDownCounter'
  /** Without the prefix. */
  readonly name: string
  readonly unit: string
  readonly description: string
  /** The name of the attribute that tells the values apart, without the prefix. `undefined` if there is one value. */
  readonly attribute: string | undefined
  /** Returns one number, or a number for each value of the attribute. */
  readonly valueIn: (source: TSource) => number | Readonly<Record<string, number>>
}

type OneValue<TSource> = (source: TSource) => number

/** A number that never falls. */
export function counter<TSource>(name: string, unit: string, description: string, valueIn: OneValue<TSource>): Series<TSource> {
  return { kind: 'Counter', name, unit, description, attribute: undefined, valueIn }
}

/** Numbers that never fall, one for each value of an attribute. Their sum has a meaning. */
export function counters<TSource>(
  name: string,
  unit: string,
  description: string,
  attribute: string,
  valueIn: (source: TSource) => Readonly<Record<string, number>>,
): Series<TSource> {
  return { kind: 'Counter', name, unit, description, attribute, valueIn }
}

/** How many of something there are now. The numbers of all nodes can be added up. */
export function upDownCounter<TSource>(name: string, unit: string, description: string, valueIn: OneValue<TSource>): Series<TSource> {
  return { kind: 'UpDownCounter', name, unit, description, attribute: undefined, valueIn }
}

/** A current value. The sum over all nodes has no meaning. */
export function gauge<TSource>(name: string, unit: string, description: string, valueIn: OneValue<TSource>): Series<TSource> {
  return { kind: 'Gauge', name, unit, description, attribute: undefined, valueIn }
}
