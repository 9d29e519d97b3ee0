import { ClientSDK } from "../lib/sdks.ts";
import { Health } from "./health.ts";
import { Images } from "./images.ts";
import { Models } from "./models.ts";

/** The client with all operations. Its methods throw; the standalone functions in `atoma-sdk/funcs/` resolve to a Result. */
export class AtomaSDK extends ClientSDK {
  #images: Images | undefined;
  #models: Models | undefined;
  #health: Health | undefined;

  get images(): Images {
    this.#images ??= new Images(this);
    return this.#images;
  }

  get models(): Models {
    this.#models ??= new Models(this);
    return this.#models;
  }

  get health(): Health {
    this.#health ??= new Health(this);
    return this.#health;
  }
}
