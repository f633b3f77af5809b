/** Where simulated customers live: a rough picture of card markets, enough for distances and local hours to make sense. */

export interface City { readonly name: string; readonly lat: number; readonly lon: number }

export interface Country {
  readonly code: string;
  /** Hours ahead of UTC (no daylight saving: the simulators need a rhythm, not a calendar). */
  readonly utcOffset: number;
  /** Share of the customers. */
  readonly share: number;
  readonly cities: readonly City[];
}

export const countries: readonly Country[] = [
  { code: 'US', utcOffset: -6, share: 0.30, cities: [
    { name: 'Chicago', lat: 41.88, lon: -87.63 }, { name: 'Houston', lat: 29.76, lon: -95.37 }, { name: 'New York', lat: 40.71, lon: -74.01 }] },
  { code: 'GB', utcOffset: 0, share: 0.13, cities: [
    { name: 'London', lat: 51.51, lon: -0.13 }, { name: 'Manchester', lat: 53.48, lon: -2.24 }] },
  { code: 'DE', utcOffset: 1, share: 0.14, cities: [
    { name: 'Berlin', lat: 52.52, lon: 13.40 }, { name: 'Munich', lat: 48.14, lon: 11.58 }] },
  { code: 'ES', utcOffset: 1, share: 0.12, cities: [
    { name: 'Madrid', lat: 40.42, lon: -3.70 }, { name: 'Seville', lat: 37.39, lon: -5.98 }] },
  { code: 'BR', utcOffset: -3, share: 0.11, cities: [
    { name: 'São Paulo', lat: -23.55, lon: -46.63 }, { name: 'Recife', lat: -8.05, lon: -34.88 }] },
  { code: 'IN', utcOffset: 5.5, share: 0.11, cities: [
    { name: 'Mumbai', lat: 19.08, lon: 72.88 }, { name: 'Delhi', lat: 28.61, lon: 77.21 }] },
  { code: 'JP', utcOffset: 9, share: 0.09, cities: [
    { name: 'Tokyo', lat: 35.68, lon: 139.69 }, { name: 'Osaka', lat: 34.69, lon: 135.50 }] },
];

/** Spending by local hour, relative to the day's mean. */
const RHYTHM = [0.15, 0.1, 0.07, 0.06, 0.07, 0.15, 0.4, 0.8, 1.1, 1.2, 1.3, 1.5, 1.8, 1.6, 1.3, 1.3, 1.4, 1.7, 1.9, 1.7, 1.4, 1.0, 0.65, 0.35];

/** How much is spent at this time in a country, relative to its mean over a day. */
export function rhythm(country: Country, time: number): number {
  const hours = (time / 3_600_000 + country.utcOffset + 24) % 24;
  const hour = Math.floor(hours);
  const share = hours - hour;
  return RHYTHM[hour]! * (1 - share) + RHYTHM[(hour + 1) % 24]! * share;
}

/** Great-circle distance in km (haversine, a sphere of 6,371 km). */
export function distanceKm(a: City, b: City): number {
  const radians = Math.PI / 180;
  const dLat = (b.lat - a.lat) * radians;
  const dLon = (b.lon - a.lon) * radians;
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a.lat * radians) * Math.cos(b.lat * radians) * Math.sin(dLon / 2) ** 2;
  return 2 * 6371 * Math.asin(Math.min(1, Math.sqrt(h)));
}
