import { type RouteOptions } from './route-table.ts'

const switches = new Map([
  ...['1', 'on', 'true', 'yes'].map((text) => [text, true] as const),
  ...['', '0', 'off', 'false', 'no'].map((text) => [text, false] as const),
])

/**
 * Reads the fields of `paas:route:options:<host>`; what is malformed counts as not given. `balance` is for hosts that
 * do not say. `odd` is told of each field that is not understood.
 */
export function parseRouteOptions(
  fields: Record<string, string>,
  balance: RouteOptions['balance'],
  odd: (name: string) => void,
): RouteOptions | undefined {
  if (Object.keys(fields).length === 0) return undefined
  const known = {
    balance: fields.balance?.toLowerCase() ?? '',
    weights: (fields.weights ?? '').split(',').map((text) => Number(text.trim() || 1)),
    sticky: switches.get(fields.sticky?.toLowerCase() ?? ''),
    maxInFlight: Number(fields.maxInFlight ?? ''),
  }
  const isBalance = known.balance === 'random' || known.balance === 'least'
  const areWeights = known.weights.every((weight) => Number.isFinite(weight) && weight >= 0)
  const isLimit = Number.isInteger(known.maxInFlight) && known.maxInFlight > 0
  if (!isBalance && known.balance !== '') odd('balance')
  if (!areWeights) odd('weights')
  if (known.sticky === undefined) odd('sticky')
  if (!isLimit && (fields.maxInFlight ?? '') !== '') odd('maxInFlight')
  for (const name of Object.keys(fields)) if (!(name in known)) odd(name)
  return {
    balance: isBalance ? (known.balance as RouteOptions['balance']) : balance,
    weights: areWeights ? known.weights : [],
    sticky: known.sticky === true,
    maxInFlight: isLimit ? known.maxInFlight : undefined,
  }
}
