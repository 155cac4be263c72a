"""ChatML, the turns of a model that has no chat template of its own: <|im_start|>role … <|im_end|>.

Thinking stands in <think>, calls in <tool_call> and the tools in the system's turn, as models of this kind are used to
it (Hermes, Qwen).
"""

START, END = "<|im_start|>", "<|im_end|>"

CHATML = """\
{%- set says = namespace(system='') %}
{%- if messages and messages[0].role == 'system' %}{% set says.system = messages[0].content %}{% endif %}
{%- if tools %}
    {%- set listed %}
# Tools

These functions can be called:
<tools>
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}</tools>
To call one write <tool_call>{"name": ..., "arguments": {...}}</tool_call>.
{%- endset %}
    {%- set says.system = says.system + ('\\n\\n' if says.system else '') + listed %}
{%- endif %}
{%- if says.system %}{{ '<|im_start|>system\\n' + says.system + '<|im_end|>\\n' }}{% endif %}
{%- for message in messages %}
    {%- if not (loop.first and message.role == 'system') %}
        {{- '<|im_start|>' + message.role + '\\n' }}
        {%- if message.reasoning_content %}
            {{- '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' }}
        {%- endif %}
        {{- message.content or '' }}
        {%- for call in message.tool_calls or [] %}
            {%- set function = call.function or call %}
            {{- '\\n' if message.content or not loop.first }}
            {{- '<tool_call>\\n{"name": ' + function.name | tojson + ', "arguments": ' }}
            {{- function.arguments | tojson if function.arguments is not string else function.arguments }}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
