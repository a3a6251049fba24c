"""x"""


def of_our_names(part, state):
    if part == "diffusion":
        return {
            "net." + k.removeprefix("diffusion.net."): v for k, v in state.items() if k.startswith("diffusion.net.")
        }
    if part == "pitch_extractor":
        return {k: v for k, v in state.items() if not k.startswith(("detector", "bilstm_detector"))}
    return dict(state)
