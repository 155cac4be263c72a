"""The one renderer of conversations: to tokens, and which of these are learnt. All that train, judge or serve use it."""
