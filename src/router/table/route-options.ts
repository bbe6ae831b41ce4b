import { type RouteOptions } from './route-table.ts'

/**
 * Reads the fields of `paas:route:options:<host>`; what is malformed counts as not given. `balance` is for hosts that
 * do not say.
 */
export function parseRouteOptions(
  fields: Record<string, string>,
  balance: RouteOptions['balance'],
): RouteOptions | undefined {
  if (Object.keys(fields).length === 0) return undefined
  const weights = (fields.weights ?? '').split(',').map((text) => Number(text.trim() || 1))
  const maxInFlight = Number(fields.maxInFlight)
  return {
    balance: fields.balance === 'random' || fields.balance === 'least' ? fields.balance : balance,
    weights: weights.every((weight) => Number.isFinite(weight) && weight >= 0) ? weights : [],
    sticky: ['1', 'on', 'true', 'yes'].includes(fields.sticky ?? ''),
    maxInFlight: Number.isInteger(maxInFlight) && maxInFlight > 0 ? maxInFlight : undefined,
  }
}
