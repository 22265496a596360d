// The emoji an incident channel uses, by Slack's names. An unknown name stays as it was written.

const TABLE = `
rotating_light 🚨|eyes 👀|raised_hand ✋|hand ✋|hammer_and_wrench 🛠️|white_check_mark ✅|heavy_check_mark ✔️|ballot_box_with_check ☑️
x ❌|no_bell 🔕|bell 🔔|red_circle 🔴|large_orange_circle 🟠|large_yellow_circle 🟡|large_green_circle 🟢|large_blue_circle 🔵
large_purple_circle 🟣|white_circle ⚪|black_circle ⚫|hourglass_flowing_sand ⏳|hourglass ⌛|lock 🔒|unlock 🔓|closed_lock_with_key 🔐
warning ⚠️|no_entry ⛔|no_entry_sign 🚫|octagonal_sign 🛑|exclamation ❗|grey_exclamation ❕|question ❓|bangbang ‼️|information_source ℹ️
chart_with_upwards_trend 📈|chart_with_downwards_trend 📉|bar_chart 📊|mag 🔍|mag_right 🔎|wave 👋|thumbsup 👍|+1 👍|thumbsdown 👎|-1 👎
clap 👏|pray 🙏|tada 🎉|fire 🔥|rocket 🚀|bug 🐛|robot_face 🤖|brain 🧠|bulb 💡|memo 📝|clipboard 📋|pushpin 📌|link 🔗|paperclip 📎
package 📦|floppy_disk 💾|computer 💻|desktop_computer 🖥️|cloud ☁️|zap ⚡|electric_plug 🔌|battery 🔋|gear ⚙️|wrench 🔧|hammer 🔨
toolbox 🧰|nut_and_bolt 🔩|shield 🛡️|key 🔑|moneybag 💰|dollar 💵|money_with_wings 💸|calendar 📅|spiral_calendar_pad 🗓️|clock1 🕐
alarm_clock ⏰|stopwatch ⏱️|timer_clock ⏲️|repeat 🔁|arrows_counterclockwise 🔄|leftwards_arrow_with_hook ↩️|rewind ⏪|fast_forward ⏩
arrow_right ➡️|arrow_left ⬅️|arrow_up ⬆️|arrow_down ⬇️|arrow_upper_right ↗️|arrow_lower_right ↘️|black_square_for_stop ⏹️|double_vertical_bar ⏸️
arrow_forward ▶️|speech_balloon 💬|thought_balloon 💭|loudspeaker 📢|mega 📣|busts_in_silhouette 👥|bust_in_silhouette 👤|male-technologist 👨‍💻
female-technologist 👩‍💻|technologist 🧑‍💻|firefighter 🧑‍🚒|ambulance 🚑|fire_engine 🚒|sos 🆘|new 🆕|ok 🆗|ok_hand 👌|point_right 👉|heart ❤️
broken_heart 💔|star ⭐|sparkles ✨|dart 🎯|checkered_flag 🏁|triangular_flag_on_post 🚩|scroll 📜|book 📖|books 📚|newspaper 📰
page_facing_up 📄|file_folder 📁|open_file_folder 📂|wastebasket 🗑️|broom 🧹|seedling 🌱|turtle 🐢|snail 🐌|whale 🐳|dolphin 🐬|bee 🐝
slightly_smiling_face 🙂|smile 😄|sweat_smile 😅|thinking_face 🤔|cry 😢|scream 😱|sleeping 😴|zzz 💤|crossed_fingers 🤞|muscle 💪
new_moon 🌑|full_moon 🌕|sunny ☀️|rainbow 🌈|snowflake ❄️|droplet 💧|ocean 🌊|globe_with_meridians 🌐|satellite_antenna 📡|label 🏷️
one 1️⃣|two 2️⃣|three 3️⃣|four 4️⃣|five 5️⃣|small_red_triangle 🔺|small_red_triangle_down 🔻|small_blue_diamond 🔹|small_orange_diamond 🔸
heavy_minus_sign ➖|heavy_plus_sign ➕|test_tube 🧪|microscope 🔬|telescope 🔭|compass 🧭|world_map 🗺️|construction 🚧|bookmark 🔖|inbox_tray 📥|outbox_tray 📤
`;

export const EMOJI = Object.fromEntries(
  TABLE.trim()
    .split(/[|\n]/)
    .map((entry) => entry.split(" ")),
);

/** The text with known :names: as emoji. */
export function emojify(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] ?? whole);
}
