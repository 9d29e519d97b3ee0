/**
 * The schedulers' formulas once more, in float64 and for one number instead of a picture, written down from the papers and
 * not from the engine: what its float32 arithmetic is held against.
 */

export interface SlowConfig {
  readonly class: string;
  readonly steps: number;
  readonly spacing: "linspace" | "leading" | "trailing";
  readonly prediction: "epsilon" | "v_prediction";
  readonly offset: number;
  readonly eta: number;
  readonly karras: boolean;
  readonly heun: boolean;
  readonly stochastic: boolean;
  readonly shift: number;
}

const T = 1000;
const linspace = (a: number, b: number, n: number) =>
  Array.from({ length: n }, (_, i) => (n === 1 ? a : a + ((b - a) * i) / (n - 1)));

const alphas: readonly number[] = (() => {
  let product = 1;
  return linspace(Math.sqrt(0.00085), Math.sqrt(0.012), T).map((root) => {
    product *= 1 - root * root;
    return product;
  });
})();

const alphaOf = (t: number) => (t < 0 ? (alphas[0] ?? 0) : (alphas[t] ?? Number.NaN));
const sigmaOf = (t: number) => Math.sqrt((1 - alphaOf(t)) / alphaOf(t));

/** σ at a fractional timestep. */
function sigmaBetween(t: number): number {
  const low = Math.min(Math.floor(t), T - 2);
  return sigmaOf(low) * (1 - (t - low)) + sigmaOf(low + 1) * (t - low);
}

/** The timestep of a σ, where ln σ is linear between timesteps. */
function timestepOf(sigma: number): number {
  let low = 0;
  while (low < T - 2 && sigmaOf(low + 1) <= sigma) low++;
  const [a, b] = [Math.log(sigmaOf(low)), Math.log(sigmaOf(low + 1))];
  return low + Math.min(1, Math.max(0, (Math.log(sigma) - a) / (b - a)));
}

const halfEven = (x: number) => {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
};

function spaced({ spacing, steps, offset }: SlowConfig): number[] {
  if (spacing === "linspace") return linspace(0, T - 1, steps).reverse();
  if (spacing === "leading")
    return linspace(0, (steps - 1) * Math.floor(T / steps), steps)
      .reverse()
      .map((t) => t + offset);
  return Array.from({ length: steps }, (_, i) => halfEven(T - (i * T) / steps) - 1);
}

function multistepSpaced({ spacing, steps, offset }: SlowConfig): number[] {
  if (spacing === "linspace")
    return linspace(0, T - 1, steps + 1)
      .reverse()
      .slice(0, steps)
      .map(halfEven);
  if (spacing === "leading") {
    const stride = Math.floor(T / (steps + 1));
    return Array.from({ length: steps }, (_, i) => (steps - i) * stride + offset);
  }
  return Array.from({ length: steps }, (_, i) => halfEven(T - (i * T) / steps) - 1);
}

const karras = (high: number, low: number, n: number) =>
  linspace(high ** (1 / 7), low ** (1 / 7), n).map((root) => root ** 7);

/** What the network says of x at t. */
const network = (x: number, t: number) => (x * t) / (t + 1);

function noiseOf(prediction: string, output: number, x: number, alpha: number): number {
  return prediction === "epsilon" ? output : Math.sqrt(alpha) * output + Math.sqrt(1 - alpha) * x;
}

/** (ε, x0) in variance-preserving form. */
function split(config: SlowConfig, output: number, x: number, alpha: number): [number, number] {
  const epsilon = noiseOf(config.prediction, output, x, alpha);
  return [epsilon, (x - Math.sqrt(1 - alpha) * epsilon) / Math.sqrt(alpha)];
}

function ddim(config: SlowConfig, start: number, noise: () => number): number {
  const stride = Math.floor(T / config.steps);
  return spaced(config)
    .map(halfEven)
    .reduce((x, t) => {
      const [a, b] = [alphaOf(t), alphaOf(t - stride)];
      const [epsilon, x0] = split(config, network(x, t), x, a);
      const variance = config.eta ** 2 * ((1 - b) / (1 - a)) * (1 - a / b);
      const fresh = config.eta > 0 ? Math.sqrt(variance) * noise() : 0;
      return Math.sqrt(b) * x0 + Math.sqrt(1 - b - variance) * epsilon + fresh;
    }, start);
}

function plms(config: SlowConfig, start: number): number {
  const stride = Math.floor(T / config.steps);
  const rising = spaced(config).map(halfEven).reverse();
  const order = [...rising.slice(0, -1), ...rising.slice(-2, -1), ...rising.slice(-1)].reverse();
  const move = (x: number, output: number, t: number, next: number) => {
    const [a, b] = [alphaOf(t), alphaOf(next)];
    const epsilon = noiseOf(config.prediction, output, x, a);
    return Math.sqrt(b / a) * x - ((b - a) * epsilon) / (a * Math.sqrt(1 - b) + Math.sqrt(a * (1 - a) * b));
  };
  const e: number[] = [];
  let x = start;
  for (const [k, t] of order.entries()) {
    const output = network(x, t);
    if (k === 1) {
      x = move(start, (output + (e[0] ?? 0)) / 2, t + stride, t);
      continue;
    }
    e.unshift(output);
    const [a = 0, b = 0, c = 0, d = 0] = e;
    const combined = [a, (3 * a - b) / 2, (23 * a - 16 * b + 5 * c) / 12, (55 * a - 59 * b + 37 * c - 9 * d) / 24][
      Math.min(e.length, 4) - 1
    ];
    x = move(x, combined ?? 0, t, t - stride);
  }
  return x;
}

function euler(config: SlowConfig, start: number, noise: () => number): number {
  const ancestral = config.class === "EulerAncestralDiscreteScheduler";
  const times = spaced(config);
  const plain = times.map(sigmaBetween);
  const sigmas = config.karras && !ancestral ? karras(plain[0] ?? 0, plain.at(-1) ?? 0, config.steps) : plain;
  const told = sigmas === plain ? times : sigmas.map(timestepOf);
  const highest = Math.max(...sigmas);
  let x = start * (config.spacing === "leading" ? Math.sqrt(highest ** 2 + 1) : highest);
  for (const [i, sigma] of sigmas.entries()) {
    const next = sigmas[i + 1] ?? 0;
    const scale = Math.sqrt(sigma ** 2 + 1);
    const output = network(x / scale, told[i] ?? 0);
    const x0 = config.prediction === "epsilon" ? x - sigma * output : x / scale ** 2 - (output * sigma) / scale;
    const up = ancestral ? Math.sqrt((next ** 2 * (sigma ** 2 - next ** 2)) / sigma ** 2) : 0;
    const down = Math.sqrt(next ** 2 - up ** 2);
    x = x0 + ((x - x0) * down) / sigma + (ancestral ? up * noise() : 0);
  }
  return x;
}

/** α, σ and λ of a level given as σ/α. */
function level(ratio: number) {
  const alpha = 1 / Math.sqrt(ratio ** 2 + 1);
  return { alpha, sigma: ratio * alpha, lambda: -Math.log(ratio) };
}

function levelsOf(config: SlowConfig) {
  const times = multistepSpaced(config);
  const sigmas = config.karras ? karras(sigmaOf(T - 1), sigmaOf(0), config.steps) : times.map(sigmaOf);
  const told = config.karras ? sigmas.map((s) => halfEven(timestepOf(s))) : times;
  return { told, levels: [...sigmas, 0].map(level) };
}

function dpm(config: SlowConfig, start: number, noise: () => number): number {
  const { told, levels } = levelsOf(config);
  let x = start;
  let before = Number.NaN;
  for (const [i, t] of told.entries()) {
    const [now, next, last] = [levels[i], levels[i + 1], levels[i - 1]];
    if (!now || !next) break;
    const x0 = split(config, network(x, t), x, now.alpha ** 2)[1];
    const h = next.lambda - now.lambda;
    const slope = last && i < told.length - 1 ? ((x0 - before) * h) / (now.lambda - last.lambda) : 0;
    const e = Math.exp(-h);
    if (config.stochastic) {
      const half = config.heun ? (slope === 0 ? 0 : (1 - e * e) / (-2 * h) + 1) : (1 - e * e) / 2;
      x =
        (next.sigma / now.sigma) * e * x +
        next.alpha * ((1 - e * e) * x0 + half * slope) +
        next.sigma * Math.sqrt(1 - e * e) * noise();
    } else {
      const half = config.heun ? (slope === 0 ? 0 : (e - 1) / h + 1) : (1 - e) / 2;
      x = (next.sigma / now.sigma) * x + next.alpha * ((1 - e) * x0 + half * slope);
    }
    before = x0;
  }
  return x;
}

/** UniPC with B(h) = e^h − 1 and order 2. */
function unipc(config: SlowConfig, start: number): number {
  const { told, levels } = levelsOf(config);
  const count = told.length;
  const outputs: number[] = [];
  let from = start;
  let x = start;
  const base = (i: number, latent: number) => {
    const [now, next] = [levels[i], levels[i + 1]];
    if (!now || !next) throw new RangeError("no level");
    const grown = Math.exp(now.lambda - next.lambda) - 1;
    return {
      latent: (next.sigma / now.sigma) * latent - next.alpha * grown * (outputs[i] ?? 0),
      factor: -next.alpha * grown,
      grown,
    };
  };
  const step = (i: number) => (levels[i + 1]?.lambda ?? 0) - (levels[i]?.lambda ?? 0);
  const orderOf = (i: number) => Math.min(2, i + 1, count - i);
  for (const [i, t] of told.entries()) {
    const x0 = split(config, network(x, t), x, (levels[i]?.alpha ?? 0) ** 2)[1];
    outputs.push(x0);
    if (i > 0) {
      const { latent, factor, grown } = base(i - 1, from);
      const m = outputs[i - 1] ?? 0;
      let sum = (x0 - m) / 2;
      if (orderOf(i - 1) === 2) {
        const h = -step(i - 1);
        const r = -step(i - 2) / step(i - 1);
        const b1 = (grown / h - 1) / grown;
        const b2 = (2 * ((grown / h - 1) / h - 0.5)) / grown;
        // ρ₁ + ρ₂ = b₁, r·ρ₁ + ρ₂ = b₂
        const rho = (b2 - b1) / (r - 1);
        sum = (rho * ((outputs[i - 2] ?? 0) - m)) / r + (b1 - rho) * (x0 - m);
      }
      x = latent + factor * sum;
    }
    from = x;
    const { latent, factor } = base(i, x);
    const slope = orderOf(i) === 2 ? ((outputs[i - 1] ?? 0) - x0) / (-step(i - 1) / step(i)) : 0;
    x = latent + factor * (slope / 2);
  }
  return x;
}

function lcm(config: SlowConfig, start: number, noise: () => number): number {
  const trained = Array.from({ length: 50 }, (_, i) => T - 1 - 20 * i);
  const times = Array.from({ length: config.steps }, (_, i) => trained[Math.floor((i * 50) / config.steps)] ?? 0);
  return times.reduce((x, t, i) => {
    const x0 = split(config, network(x, t), x, alphaOf(t))[1];
    const scaled = 10 * t;
    const denoised = (scaled / Math.sqrt(scaled ** 2 + 0.25)) * x0 + (0.25 / (scaled ** 2 + 0.25)) * x;
    const next = times[i + 1];
    return next === undefined ? denoised : Math.sqrt(alphaOf(next)) * denoised + Math.sqrt(1 - alphaOf(next)) * noise();
  }, start);
}

function flow({ steps, shift }: SlowConfig, start: number): number {
  const move = (s: number) => (shift * s) / (1 + (shift - 1) * s);
  const sigmas = [...linspace(1, move(1 / T), steps).map(move), 0];
  return sigmas.slice(0, -1).reduce((x, sigma, i) => x + ((sigmas[i + 1] ?? 0) - sigma) * network(x, T * sigma), start);
}

/** The number after all steps. `noise` gives the fresh normals in their order. */
export function slowRun(config: SlowConfig, start: number, noise: () => number): number {
  switch (config.class) {
    case "DDIMScheduler":
      return ddim(config, start, noise);
    case "PNDMScheduler":
      return plms(config, start);
    case "EulerDiscreteScheduler":
    case "EulerAncestralDiscreteScheduler":
      return euler(config, start, noise);
    case "DPMSolverMultistepScheduler":
      return dpm(config, start, noise);
    case "UniPCMultistepScheduler":
      return unipc(config, start);
    case "LCMScheduler":
      return lcm(config, start, noise);
    case "FlowMatchEulerDiscreteScheduler":
      return flow(config, start);
    default:
      throw new RangeError(`${config.class} has no slow form`);
  }
}
